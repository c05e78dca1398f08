package durable

import "testing"

// TestSummed: what was kept is read again, and any byte that has changed is noticed.
func TestSummed(t *testing.T) {
	type kept struct {
		Size uint64            `json:"size"`
		Also map[uint64]string `json:"also"`
		Sum  string            `json:"sum"`
	}
	in := kept{Size: 7, Also: map[uint64]string{1: "one", 20: "twenty"}}
	b, err := MarshalSummed(&in, &in.Sum)
	if err != nil {
		t.Fatal(err)
	}
	var out kept
	if err := UnmarshalSummed(b, &out, &out.Sum); err != nil || out.Size != 7 || out.Also[20] != "twenty" || out.Sum != in.Sum {
		t.Fatalf("got %+v, %v, want %+v", out, err, in)
	}
	for i := range b {
		bad := append([]byte(nil), b...)
		bad[i] ^= 1
		var out kept
		if err := UnmarshalSummed(bad, &out, &out.Sum); err == nil {
			t.Errorf("byte %d flipped: read as %+v", i, out)
		}
	}
	if err := UnmarshalSummed(b[:len(b)-1], &out, &out.Sum); err == nil {
		t.Error("cut: read")
	}
}
