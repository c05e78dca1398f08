package edge

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const whole = `{"format": "stele.deployment/1", "url": "https://registry.example/", "gate": {"token_sha256": "` +
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" + `", "chunk": 200}, "witness": {"logs": "quorum none\n"}, "links": true,
	"check": {"every": 3600, "views": ["https://mirror.example/"], "webhook": "https://ops.example/hook?key=1"}}`

// TestDeployment: what stele deploy writes is read again, and what would not be done is refused with its name.
func TestDeployment(t *testing.T) {
	d, err := ParseDeployment([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseDeployment(d.Marshal())
	if err != nil || string(again.Marshal()) != string(d.Marshal()) || again.Check.Due().Hours() != 1 {
		t.Errorf("written and read again: %+v, %v", again, err)
	}
	for _, c := range []struct{ old, by, says string }{
		{"stele.deployment/1", "stele.deployment/2", "a newer stele"},
		{`"links": true`, `"links": true, "more": 1`, `unknown field "more"`},
		{`"links": true`, `"links": "yes"`, "links"},
		{"https://registry.example/", "https://registry.example", "a slash at the end"},
		{"https://registry.example/", "registry.example/", "url is"},
		{"e3b0c442", "E3B0C442", "gate.token_sha256"},
		{`"chunk": 200`, `"chunk": 0`, "gate.chunk is 0"},
		{`"chunk": 200`, `"chunk": 231`, "want 1 to 230"},
		{"quorum none", "log none", "witness.logs"},
		{`"every": 3600`, `"every": 0`, "check.every"},
		{"https://mirror.example/", "ftp://mirror.example/", "check.views[0]"},
		{"https://ops.example/hook", "ops", "check.webhook"},
		{`"https://mirror.example/"`, strings.Repeat(`"https://mirror.example/",`, 16) + `"https://mirror.example/"`, "at most 16"},
		{"?key=1\"}}", "?key=1\"}} {}", "follows"},
		{"?key=1\"}}", "?key=1\"}", "unexpected EOF"},
	} {
		text := strings.Replace(whole, c.old, c.by, 1)
		if text == whole {
			t.Fatalf("%q is not there", c.old)
		}
		if _, err := ParseDeployment([]byte(text)); err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "deployment.json: ") {
			t.Errorf("%s → %s: %v, want %q", c.old, c.by, err, c.says)
		}
	}
}

// TestHandles: without what a deployment leaves out, its paths are files like others.
func TestHandles(t *testing.T) {
	d, err := ParseDeployment([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	all, few := &Edge{deployment: d}, &Edge{deployment: &Deployment{}}
	for path, want := range map[string][2]bool{"/publish/state": {true, false}, "/witness/add-checkpoint": {true, false}, "/r": {true, false}, "/r/abc": {true, false},
		"/health.json": {true, true}, "/health/evidence/x": {true, true}, "/health": {}, "/health/": {}, "/health/ru/": {}, "/": {}, "/ru/": {}, "/ledger/head": {}, "/publisher": {}, "/rx": {}} {
		if got := [2]bool{all.Handles(path), few.Handles(path)}; got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

// TestAnnounce: only the head tells what there is besides files.
func TestAnnounce(t *testing.T) {
	for _, given := range []bool{true, false} {
		h := (&Edge{deployment: &Deployment{Links: given}}).Announce(http.NotFoundHandler())
		for path, want := range map[string][2]string{"/ledger/head": {`<../health/>; rel="status"`, map[bool]string{true: "r"}[given]}, "/ledger/checkpoint": {}, "/": {}} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
			if got := [2]string{w.Header().Get("Link"), w.Header().Get("Stele-Links")}; got != want {
				t.Errorf("%s, short addresses %v: Link and Stele-Links are %q, want %q", path, given, got, want)
			}
		}
	}
}
