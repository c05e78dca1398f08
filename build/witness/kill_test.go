package witness_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"stele/build/edgestore"
	"stele/build/witness"
	"stele/build/witness/server"
	"stele/build/witness/witnesstest"
	"stele/proofs"
	edge "stele/site/edge/witness"
)

const (
	envWitness = "STELE_TEST_WITNESS" // the folder of a witness that this process is to be
	envEdge    = "STELE_TEST_EDGE"    // the logs' policy, where it is to be an edge's, with its store in that folder
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envWitness); dir != "" {
		fmt.Fprintln(os.Stderr, beWitness(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func killedSigner() (proofs.Signer, error) {
	return proofs.NewMemorySigner("killed.example/w", proofs.CosignatureKey, make([]byte, 32))
}

// beWitness serves until it is killed, and says where.
func beWitness(dir string) error {
	signer, err := killedSigner()
	if err != nil {
		return err
	}
	handler, err := handlerOf(dir, []proofs.Signer{signer})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", l.Addr())
	return http.Serve(l, handler)
}

func handlerOf(dir string, signers []proofs.Signer) (http.Handler, error) {
	if policy := os.Getenv(envEdge); policy != "" {
		return edgeOf(dir, policy, signers)
	}
	s, err := server.Open(server.Config{Dir: dir, Signers: signers, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	return s.Handler(), nil
}

// edgeOf is an edge's witness with its store in a folder.
func edgeOf(dir, policy string, signers []proofs.Signer) (http.Handler, error) {
	store, err := edgestore.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	logs, err := edge.ParseLogs([]byte(policy))
	if err != nil {
		return nil, err
	}
	return edge.New(edge.Config{Store: store, Signers: signers, Logs: func() (map[string][]*proofs.Key, error) { return logs, nil }}).Handler(), nil
}

// A killed is a witness as a process of its own that is killed again and again, and what it has answered.
type killed struct {
	*testing.T
	dir  string
	edge string // envEdge
	cmd  *exec.Cmd
	url  string
	http *http.Client

	mu       sync.Mutex
	more     *sync.Cond // told of each answer, and of each end
	answered []signed
	most     uint64 // the greatest size that was cosigned
}

// A signed is what a cosignature vouches for.
type signed struct {
	proofs.Checkpoint
	time uint64
}

func (k *killed) start() {
	k.Helper()
	k.cmd = exec.Command(os.Args[0])
	k.cmd.Env = append(os.Environ(), envWitness+"="+k.dir, envEdge+"="+k.edge)
	k.cmd.Stderr = os.Stderr
	out, err := k.cmd.StdoutPipe()
	if err == nil {
		err = k.cmd.Start()
	}
	if err != nil {
		k.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		k.Fatal(err)
	}
	k.url, k.http = strings.TrimSpace(line), &http.Client{Transport: &http.Transport{}}
}

func (k *killed) kill() {
	k.cmd.Process.Kill()
	k.cmd.Wait()
	k.http.CloseIdleConnections()
}

// send sends a checkpoint with the proof from a size, and returns the size that it should have been from. An answer that was
// broken off counts for nothing.
func (k *killed) send(log *witnesstest.Log, old, size uint64) (last uint64, alive bool) {
	if old > size {
		old = size
	}
	proof, err := log.Growth(size)(old)
	if err != nil {
		k.Error(err)
	}
	body := (&witness.Request{Old: old, Proof: proof, Checkpoint: log.Note(size)}).Marshal()
	res, err := k.http.Post(k.url+"/add-checkpoint", "", bytes.NewReader(body))
	if err != nil {
		return old, false
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return old, false
	}
	switch res.StatusCode {
	case http.StatusOK:
		k.took(log.Checkpoint(size), b)
		return size, true
	case http.StatusConflict:
		last, err = strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	case http.StatusUnprocessableEntity:
		return old, true
	default:
		err = fmt.Errorf("got %d %q", res.StatusCode, b)
	}
	if err != nil {
		k.Error(err)
	}
	return last, true
}

// took notes an answer.
func (k *killed) took(c proofs.Checkpoint, b []byte) {
	n, err := proofs.ParseNote(append([]byte(c.Text()+"\n"), b...))
	if err != nil {
		k.Errorf("%q: %v", b, err)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answered = append(k.answered, signed{c, binary.BigEndian.Uint64(n.Signatures[0].Bytes)})
	k.most = max(k.most, c.Size)
	k.more.Broadcast()
}

// await waits for so many more answers.
func (k *killed) await(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for until := len(k.answered) + n; len(k.answered) < until && !k.Failed(); {
		k.more.Wait()
	}
}

const (
	killedEntries = 3000
	forkedAt      = 200
	kills         = 12
)

// load sends the two histories, each from whatever the witness says it has, until the process is gone.
func (k *killed) load(histories []*witnesstest.Log) *sync.WaitGroup {
	var wg sync.WaitGroup
	for i := range 4 {
		log := histories[i%2]
		wg.Go(func() {
			var last uint64
			for alive := true; alive; {
				last, alive = k.send(log, last, min(last+1+rand.Uint64N(6), killedEntries))
			}
			k.more.Broadcast()
		})
	}
	return &wg
}

// TestKilled: a witness that is killed at any moment, under load, with two histories offered to it, has signed one history
// only, never back in size or time, and after each restart knows what it had answered.
func TestKilled(t *testing.T) {
	true_ := witnesstest.NewLog(t, origin, "true", killedEntries)
	k := &killed{T: t, dir: t.TempDir()}
	if err := server.Init(k.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(k.dir, server.LogsFile), []byte(true_.Policy()), 0o644); err != nil {
		t.Fatal(err)
	}
	k.again(true_)
}

// TestKilledEdge: the same of an edge's witness.
func TestKilledEdge(t *testing.T) {
	true_ := witnesstest.NewLog(t, origin, "true", killedEntries)
	k := &killed{T: t, dir: t.TempDir(), edge: true_.Policy()}
	k.again(true_)
}

// again kills and starts the witness again and again.
func (k *killed) again(true_ *witnesstest.Log) {
	k.Helper()
	k.more = sync.NewCond(&k.mu)
	histories := []*witnesstest.Log{true_, true_.Fork(forkedAt, "false")}
	for range kills {
		k.start()
		if last, alive := k.send(true_, 0, 0); !alive || last < k.most {
			k.Fatalf("after a restart it says size %d, and has answered %d", last, k.most)
		}
		busy := k.load(histories)
		k.await(1 + rand.IntN(40))
		k.kill()
		busy.Wait()
	}
	k.judge(histories)
}

// judge compares all that was answered.
func (k *killed) judge(histories []*witnesstest.Log) {
	k.Helper()
	of := [2]int{}
	largest := signed{}
	for _, a := range k.answered {
		for i, log := range histories {
			if a.Size > forkedAt && log.Checkpoint(a.Size).Root == a.Root {
				of[i]++
			}
		}
		if a.Size > largest.Size {
			largest = a
		}
		for _, b := range k.answered {
			if a.Size < b.Size && a.time > b.time {
				k.Fatalf("size %d at %d, and the larger %d before it, at %d", a.Size, a.time, b.Size, b.time)
			}
		}
	}
	if of[0] > 0 && of[1] > 0 {
		k.Errorf("%d of one history and %d of the other were cosigned", of[0], of[1])
	}
	if of[0]+of[1] == 0 {
		k.Errorf("%d answers, the largest of size %d: never came to where the histories part, %d", len(k.answered), largest.Size, forkedAt)
	}
}
