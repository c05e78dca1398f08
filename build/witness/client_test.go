package witness_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stele/build/witness"
	"stele/build/witness/server"
	"stele/build/witness/witnesstest"
	"stele/proofs"
)

const origin = "log.example/one"

// serve starts a witness of ours, with an ML-DSA-44 and an Ed25519 key.
func serve(t *testing.T, log *witnesstest.Log, name string) witness.Peer {
	t.Helper()
	p, _ := serveBy(t, log, name, time.Now)
	return p
}

func serveBy(t *testing.T, log *witnesstest.Log, name string, now func() time.Time) (witness.Peer, *httptest.Server) {
	t.Helper()
	return serveLogs(t, log.Policy(), name, server.Config{Now: now})
}

// serveLogs starts a witness for the logs of a policy.
func serveLogs(t *testing.T, policy, name string, c server.Config) (witness.Peer, *httptest.Server) {
	t.Helper()
	c.Dir, c.Log, c.Signers = t.TempDir(), slog.New(slog.DiscardHandler), signers(t, name)
	if err := server.Init(c.Dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.Dir, server.LogsFile), []byte(policy), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := server.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	t.Cleanup(func() { web.Close(); s.Close() })
	return witness.Peer{Name: name, URL: web.URL, Keys: []*proofs.Key{c.Signers[0].Key(), c.Signers[1].Key()}}, web
}

func signers(t *testing.T, name string) []proofs.Signer {
	return []proofs.Signer{witnesstest.Signer(t, name, proofs.MLDSA44Key, "w"), witnesstest.Signer(t, name, proofs.CosignatureKey, "w")}
}

// fake is a witness that answers as a test wants.
func fake(t *testing.T, answer http.HandlerFunc) witness.Peer {
	t.Helper()
	web := httptest.NewServer(answer)
	t.Cleanup(web.Close)
	s := signers(t, "fake.example/w")
	return witness.Peer{Name: "fake.example/w", URL: web.URL, Keys: []*proofs.Key{s[0].Key(), s[1].Key()}}
}

// says answers with a status and a body.
func says(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// hang takes a request, tells so, and answers nothing.
func hang(r *http.Request, taken func()) {
	io.Copy(io.Discard, r.Body) // only then is it noticed that the client has gone
	taken()
	<-r.Context().Done()
}

// cosigned are the lines of both keys at a time.
func cosigned(t *testing.T, c proofs.Checkpoint, at int64) (lines []string) {
	t.Helper()
	for _, s := range signers(t, "fake.example/w") {
		line, err := proofs.Cosign(s, c, at)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line.String())
	}
	return lines
}

// TestCollect: several witnesses of several sizes, one that has gone, one that does not know the log.
func TestCollect(t *testing.T) {
	log := witnesstest.NewLog(t, origin, "true", 50)
	one, two := serve(t, log, "one.example/w"), serve(t, log, "two.example/w")
	other := serve(t, witnesstest.NewLog(t, "log.example/two", "true", 1), "other.example/w")
	gone, web := serveBy(t, log, "gone.example/w", time.Now)
	web.Close()
	c := &witness.Client{Patience: time.Second, Sizes: map[string]uint64{}}
	collect := func(size uint64, peers ...witness.Peer) ([]proofs.Signature, []witness.Fault) {
		t.Helper()
		lines, faults := c.Collect(context.Background(), log.Note(size), peers, log.Growth(size), nil)
		for _, l := range lines {
			i := slices.IndexFunc(peers, func(p witness.Peer) bool { return p.Name == l.Name })
			verified := false
			for _, k := range peers[i].Keys {
				_, err := l.CheckCheckpoint(k, log.Checkpoint(size))
				verified = verified || err == nil
			}
			if !verified {
				t.Errorf("a line of %s does not verify", l.Name)
			}
		}
		return lines, faults
	}
	if lines, faults := collect(10, one); len(lines) != 2 || len(faults) != 0 {
		t.Errorf("one: %d lines, %v", len(lines), faults)
	}
	lines, faults := collect(20, gone, two, other, one)
	if len(lines) != 4 || lines[0].Name != two.Name || lines[2].Name != one.Name {
		t.Errorf("%d lines, want those of two and then of one", len(lines))
	}
	if len(faults) != 2 || faults[0].Peer.Name != gone.Name || faults[0].Kind != witness.Outage || faults[1].Peer.Name != other.Name || faults[1].Kind != witness.Refusal {
		t.Errorf("faults: %v", faults)
	}
	if want := map[string]uint64{one.URL: 20, two.URL: 20}; !reflect.DeepEqual(c.Sizes, want) {
		t.Errorf("remembered %v, want %v", c.Sizes, want)
	}
	c.Sizes[one.URL], c.Sizes[two.URL] = 17, 100 // what is remembered may be wrong
	if lines, faults := collect(50, one, two); len(lines) != 4 || len(faults) != 0 {
		t.Errorf("with wrong sizes: %d lines, %v", len(lines), faults)
	}
	if lines, faults := collect(50, one, two); len(lines) != 4 || len(faults) != 0 {
		t.Errorf("the same again: %d lines, %v", len(lines), faults)
	}
	lines, faults = collect(30, one)
	if len(lines) != 0 || len(faults) != 1 || faults[0].Kind != witness.Contradiction || faults[0].Size != 50 {
		t.Errorf("a smaller tree: %d lines, %v", len(lines), faults)
	}
	if !strings.Contains(faults[0].Hint, "publish nothing more") {
		t.Errorf("hint: %q", faults[0].Hint)
	}
	forked := witnesstest.NewLog(t, origin, "false", 60)
	for _, size := range []uint64{50, 60} {
		lines, faults := c.Collect(context.Background(), forked.Note(size), []witness.Peer{one, two}, forked.Growth(size), nil)
		if len(lines) != 0 || len(faults) != 2 || faults[0].Kind != witness.Contradiction || faults[0].Size != 50 {
			t.Errorf("another history of size %d: %d lines, %v", size, len(lines), faults)
		}
	}
}

// TestAnswers: what may come back, and what is made of it.
func TestAnswers(t *testing.T) {
	log := witnesstest.NewLog(t, origin, "true", 20)
	now := time.Now().Unix()
	good := cosigned(t, log.Checkpoint(20), now)
	ahead := cosigned(t, log.Checkpoint(20), now+3600)
	behind := cosigned(t, log.Checkpoint(20), now-7200)
	elsewhere := cosigned(t, log.Checkpoint(19), now)
	stranger, err := proofs.Cosign(witnesstest.Signer(t, "stranger.example", proofs.CosignatureKey, "s"), log.Checkpoint(20), now)
	if err != nil {
		t.Fatal(err)
	}
	moved := httptest.NewServer(says(200, "text/plain", strings.Join(good, "")))
	defer moved.Close()
	const size = "text/x.tlog.size"
	for _, c := range []struct {
		why    string
		answer http.HandlerFunc
		lines  int
		kind   witness.Kind
		text   string
	}{
		{"both lines", says(200, "", strings.Join(good, "")), 2, "", ""},
		{"one of two", says(200, "", good[1]), 1, "", ""},
		{"strangers' lines besides", says(200, "", stranger.String()+good[0]+stranger.String()+good[1]), 2, "", ""},
		{"a line twice", says(200, "", good[0]+good[0]), 1, "", ""},
		{"strangers' lines alone", says(200, "", stranger.String()), 0, witness.Broken, "no line of the keys"},
		{"nothing", says(200, "", ""), 0, witness.Broken, "not signature lines"},
		{"no lines", says(200, "", "<html>"), 0, witness.Broken, "not signature lines"},
		{"a whole note", says(200, "", string(log.Note(20))), 0, witness.Broken, "not signature lines"},
		{"a second text", says(200, "", good[0]+"\n"+good[1]), 0, witness.Broken, "not signature lines"},
		{"a wrong line beside a right one", says(200, "", good[0]+elsewhere[1]), 0, witness.Broken, "does not verify"},
		{"a clock that is ahead", says(200, "", ahead[0]), 0, witness.Broken, "ahead"},
		{"a clock that is behind", says(200, "", behind[0]), 0, witness.Broken, "seconds behind ours"},
		{"too much", says(200, "", strings.Repeat(good[0], 100)), 0, witness.Broken, "over 131072 bytes"},
		{"a bad request", says(400, "", "no"), 0, witness.Refusal, "400"},
		{"keys it does not know", says(403, "", "no"), 0, witness.Refusal, "403"},
		{"a log it does not know", says(404, "", "no"), 0, witness.Refusal, "404"},
		{"a size beyond ours", says(409, size, "21\n"), 0, witness.Contradiction, "size 21, and ours is 20"},
		{"the size that was sent", says(409, size, "0\n"), 0, witness.Broken, "size 0"},
		{"a conflict without a size", says(409, size, "many\n"), 0, witness.Broken, "409 without"},
		{"a size with a sign", says(409, size, "+7\n"), 0, witness.Broken, "409 without"},
		{"a size without a newline", says(409, size, "7"), 0, witness.Broken, "409 without"},
		{"a size of another type", says(409, "text/plain", "7\n"), 0, witness.Broken, "409 without"},
		{"a new log refused as no continuation", says(422, "", ""), 0, witness.Broken, "422"},
		{"an error of its own", says(500, "", ""), 0, witness.Outage, "500"},
		{"too many", says(429, "", ""), 0, witness.Outage, "429"},
		{"another host", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, moved.URL+r.URL.Path, http.StatusPermanentRedirect)
		}, 0, witness.Refusal, "another place"},
		{"a redirection that asks instead of sending", func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				http.Redirect(w, r, "/there", http.StatusSeeOther)
				return
			}
			says(200, "", good[0])(w, r)
		}, 0, witness.Refusal, "another place"},
		{"a redirection without an aim", says(304, "", ""), 0, witness.Refusal, "another place"},
		{"the same host", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/add-checkpoint" {
				http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
				return
			}
			says(200, "", good[0])(w, r)
		}, 1, "", ""},
		{"in a circle", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
		}, 0, witness.Refusal, "another place"},
	} {
		t.Run(c.why, func(t *testing.T) {
			client := &witness.Client{Patience: 2 * time.Second}
			lines, faults := client.Collect(context.Background(), log.Note(20), []witness.Peer{fake(t, c.answer)}, log.Growth(20), nil)
			if len(lines) != c.lines {
				t.Errorf("%d lines, want %d (%v)", len(lines), c.lines, faults)
			}
			if c.kind == "" && len(faults) == 0 {
				return
			}
			if len(faults) != 1 || faults[0].Kind != c.kind || !strings.Contains(faults[0].Error(), c.text) || !strings.Contains(faults[0].Error(), "fake.example/w") {
				t.Errorf("got %v, want a fault of kind %q with %q", faults, c.kind, c.text)
			}
		})
	}
}

// TestAddresses: an address that cannot be one is not tried again and again.
func TestAddresses(t *testing.T) {
	log := witnesstest.NewLog(t, origin, "true", 3)
	for _, url := range []string{"w.example", "ftp://w.example", "unix:///run/w", "http://w.example:x", "https://\x7f"} {
		_, faults := (&witness.Client{Patience: time.Hour}).Collect(context.Background(), log.Note(3), []witness.Peer{{Name: "w", URL: url}}, log.Growth(3), nil)
		if len(faults) != 1 || faults[0].Kind != witness.Refusal || !strings.Contains(faults[0].Hint, "address") {
			t.Errorf("%q: %v", url, faults)
		}
	}
}

// TestKeepAlive: one connection does for all.
func TestKeepAlive(t *testing.T) {
	log := witnesstest.NewLog(t, origin, "true", 20)
	peer, web := serveBy(t, log, "one.example/w", time.Now)
	var opened atomic.Int64
	counted := httptest.NewUnstartedServer(web.Config.Handler)
	counted.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	counted.Start()
	defer counted.Close()
	peer.URL = counted.URL
	client := &witness.Client{HTTP: &http.Client{Transport: &http.Transport{}}} // remembers nothing: a conflict each time
	defer client.HTTP.CloseIdleConnections()
	for size := uint64(1); size <= 5; size++ {
		if lines, faults := client.Collect(context.Background(), log.Note(size), []witness.Peer{peer}, log.Growth(size), nil); len(lines) != 2 {
			t.Fatal(faults)
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestConflict: the size that the witness names is taken, with the right proof, and one that never settles is given up.
func TestConflict(t *testing.T) {
	log := witnesstest.NewLog(t, origin, "true", 20)
	var asked []uint64
	peer := fake(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		req, err := witness.ParseRequest(b)
		if err != nil {
			t.Error(err)
			return
		}
		asked = append(asked, req.Old)
		says(409, "text/x.tlog.size; charset=utf-8", fmt.Sprintln(5+len(asked)))(w, r)
	})
	client := &witness.Client{Sizes: map[string]uint64{peer.URL: 3}}
	_, faults := client.Collect(context.Background(), log.Note(20), []witness.Peer{peer}, log.Growth(20), nil)
	if len(faults) != 1 || !strings.Contains(faults[0].Error(), "another size 3 times") || !slices.Equal(asked, []uint64{3, 6, 7}) {
		t.Errorf("asked from %v: %v", asked, faults)
	}
	if client.Sizes[peer.URL] != 8 {
		t.Errorf("remembered %d, want what it has named last", client.Sizes[peer.URL])
	}
}

// TestRetries: an outage is waited for, and then over.
func TestRetries(t *testing.T) {
	log := witnesstest.NewLog(t, origin, "true", 20)
	var asked atomic.Int64
	good := cosigned(t, log.Checkpoint(20), time.Now().Unix())
	peer := fake(t, func(w http.ResponseWriter, r *http.Request) {
		switch asked.Add(1) {
		case 1:
			says(503, "", "")(w, r)
		case 2:
			c, _, _ := w.(http.Hijacker).Hijack()
			c.Close() // broken off
		default:
			says(200, "", good[0])(w, r)
		}
	})
	lines, faults := (&witness.Client{}).Collect(context.Background(), log.Note(20), []witness.Peer{peer}, log.Growth(20), nil)
	if len(lines) != 1 || len(faults) != 0 {
		t.Errorf("%d lines, %v", len(lines), faults)
	}
	down := fake(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3600") // longer than anybody's patience: not asked again
		says(503, "", "back in an hour")(w, r)
	})
	lines, faults = (&witness.Client{}).Collect(context.Background(), log.Note(20), []witness.Peer{down}, log.Growth(20), nil)
	if len(lines) != 0 || len(faults) != 1 || !strings.Contains(faults[0].Error(), "back in an hour") {
		t.Errorf("%d lines, %v", len(lines), faults)
	}
}

// TestEnough: once there are enough, those that hang are not waited for; a witness that answers within the grace counts.
func TestEnough(t *testing.T) {
	log := witnesstest.NewLog(t, origin, "true", 20)
	var late sync.WaitGroup
	late.Add(1)
	hanging := fake(t, func(w http.ResponseWriter, r *http.Request) { hang(r, late.Done) })
	quick := serve(t, log, "quick.example/w")
	client := &witness.Client{Patience: time.Hour, Grace: time.Millisecond}
	var asked []int
	lines, faults := client.Collect(context.Background(), log.Note(20), []witness.Peer{hanging, quick}, log.Growth(20), func(lines []proofs.Signature) bool {
		asked = append(asked, len(lines))
		if len(lines) > 0 {
			late.Wait() // it has been asked, and hangs
		}
		return len(lines) > 0
	})
	if len(lines) != 2 || len(faults) != 1 || faults[0].Kind != witness.Outage || faults[0].Peer.URL != hanging.URL {
		t.Errorf("%d lines, %v", len(lines), faults)
	}
	if !slices.Equal(asked, []int{0, 2}) {
		t.Errorf("asked whether %v lines are enough, want none and then two", asked)
	}
	client = &witness.Client{Patience: time.Hour, Grace: time.Hour}
	lines, faults = client.Collect(context.Background(), log.Note(20), []witness.Peer{quick, serve(t, log, "second.example/w")}, log.Growth(20), func([]proofs.Signature) bool { return true })
	if len(lines) != 4 || len(faults) != 0 {
		t.Errorf("in the grace: %d lines, %v", len(lines), faults)
	}
}

// TestSent: only what the log has signed is sent, for a witness may take no more than ten kilobytes.
func TestSent(t *testing.T) {
	log := witnesstest.NewLog(t, origin, "true", 20)
	var more []proofs.Signature
	for i := range 10 {
		more = append(more, proofs.Signature{Name: "officer.example", ID: uint32(i), Bytes: make([]byte, 2428)})
	}
	var got []byte
	peer := fake(t, func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		says(404, "", "")(w, r)
	})
	note := log.Note(20, more...)
	(&witness.Client{}).Collect(context.Background(), note, []witness.Peer{peer}, log.Growth(20), nil)
	req, err := witness.ParseRequest(got)
	if err != nil {
		t.Fatal(err)
	}
	c, n, err := proofs.ParseCheckpoint(req.Checkpoint)
	if err != nil || c != log.Checkpoint(20) || len(n.Signatures) != 2 || len(got) > 10*1024 {
		t.Errorf("sent %d bytes with %d lines (%v), want the log's two", len(got), len(n.Signatures), err)
	}
	bare := &proofs.Note{Text: c.Text(), Signatures: more}
	_, faults := (&witness.Client{}).Collect(context.Background(), bare.Marshal(), []witness.Peer{peer}, log.Growth(20), nil)
	if len(faults) != 1 || faults[0].Kind != witness.Own {
		t.Errorf("nothing of the log's: %v", faults)
	}
}

// TestGrowth: each proof is made once, however many ask for it; one that cannot be made is our own fault.
func TestGrowth(t *testing.T) {
	log := witnesstest.NewLog(t, origin, "true", 20)
	var peers []witness.Peer
	sizes := map[string]uint64{}
	for i := range 5 {
		p := serve(t, log, fmt.Sprintf("w%d.example/w", i))
		peers, sizes[p.URL] = append(peers, p), 7
	}
	client := &witness.Client{Sizes: sizes}
	if _, faults := client.Collect(context.Background(), log.Note(7), peers, log.Growth(7), nil); len(faults) > 0 {
		t.Fatal(faults)
	}
	made := 0
	growth := func(old uint64) ([]proofs.Hash, error) { made++; return log.Growth(20)(old) }
	if _, faults := client.Collect(context.Background(), log.Note(20), peers, growth, nil); len(faults) > 0 || made != 1 {
		t.Errorf("made %d times, want once (%v)", made, faults)
	}
	clear(sizes)
	sizes[peers[0].URL] = 7
	_, faults := client.Collect(context.Background(), log.Note(20), peers[:1], func(uint64) ([]proofs.Hash, error) { return nil, fs.ErrPermission }, nil)
	if len(faults) != 1 || faults[0].Kind != witness.Own || !errors.Is(faults[0], fs.ErrPermission) {
		t.Errorf("got %v", faults)
	}
}

// TestInterrupted: whoever gives up gets what there is.
func TestInterrupted(t *testing.T) {
	log := witnesstest.NewLog(t, origin, "true", 20)
	ctx, cancel := context.WithCancel(context.Background())
	hanging := fake(t, func(w http.ResponseWriter, r *http.Request) { hang(r, cancel) })
	lines, faults := (&witness.Client{Patience: time.Hour}).Collect(ctx, log.Note(20), []witness.Peer{hanging}, log.Growth(20), nil)
	if len(lines) != 0 || len(faults) != 1 || faults[0].Kind != witness.Outage {
		t.Errorf("%d lines, %v", len(lines), faults)
	}
}

func TestView(t *testing.T) {
	log := witnesstest.NewLog(t, origin, "true", 20)
	at := time.Unix(1_800_000_000, 0)
	peer, _ := serveBy(t, log, "one.example/w", func() time.Time { return at })
	client := &witness.Client{}
	ctx := context.Background()
	if _, err := client.View(ctx, peer, origin, log.Keys()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before anything was cosigned: %v", err)
	}
	if _, faults := client.Collect(ctx, log.Note(12), []witness.Peer{peer}, log.Growth(12), nil); len(faults) == 0 {
		t.Fatal("a cosignature of 2027 was taken") // at is ahead of the machine's clock
	}
	client = &witness.Client{Now: func() time.Time { return at }}
	v, err := client.View(ctx, peer, origin, log.Keys())
	if err != nil || v.Checkpoint != log.Checkpoint(12) || v.Time != at.Unix() {
		t.Fatalf("got %+v (%v)", v, err)
	}
	stranger := witnesstest.NewLog(t, origin, "true", 0)
	for i := range stranger.Signers {
		stranger.Signers[i] = witnesstest.Signer(t, origin, []proofs.KeyType{proofs.Ed25519Key, proofs.MLDSA44Key}[i], "stranger")
	}
	for why, c := range map[string]struct {
		peer witness.Peer
		logs []*proofs.Key
		text string
	}{
		"other keys of the log":     {peer, stranger.Keys(), "not signed by the log"},
		"other keys of the witness": {witness.Peer{Name: "x", URL: peer.URL, Keys: fake(t, nil).Keys}, log.Keys(), "no line of the keys"},
		"another log's":             {fake(t, says(200, "", string(witnesstest.NewLog(t, "log.example/two", "true", 3).Note(3)))), log.Keys(), "log.example/two"},
		"not of the witness":        {fake(t, says(200, "", string(log.Note(3)))), log.Keys(), "no line of the keys"},
		"a wrong line of the log":   {fake(t, says(200, "", strings.Replace(string(v.Note), "\n12\n", "\n13\n", 1))), log.Keys(), "does not verify"},
		"nothing":                   {fake(t, says(200, "", "")), log.Keys(), "malformed"},
		"an outage":                 {fake(t, says(503, "", "")), log.Keys(), "503"},
	} {
		if _, err := client.View(ctx, c.peer, origin, c.logs); err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v, want %q", why, err, c.text)
		}
	}
}

func TestPeers(t *testing.T) {
	one, two := signers(t, "one.example/w"), signers(t, "two.example/w")
	three := signers(t, "three.example/w")
	policy, err := proofs.ParsePolicy([]byte(strings.Join([]string{
		"witness a " + one[0].Key().String() + " https://one.example/w/",
		"witness b " + two[0].Key().String() + " https://two.example",
		"witness c " + one[1].Key().String() + " https://one.example/w",
		"witness d " + two[1].Key().String(),
		"witness officer " + three[0].Key().String() + " https://three.example",
		"group both all a c", "group witnesses 2 both b d", "group all 2 witnesses officer", "quorum all", ""}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	want := []witness.Peer{
		{Name: "one.example/w", URL: "https://one.example/w", Keys: []*proofs.Key{one[0].Key(), one[1].Key()}},
		{Name: "two.example/w", URL: "https://two.example", Keys: []*proofs.Key{two[0].Key()}},
	}
	if got := witness.Peers(policy, "witnesses"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := witness.Peers(policy, "none"); len(got) != 0 {
		t.Errorf("none: %v", got)
	}
}
