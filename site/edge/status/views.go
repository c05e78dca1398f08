package status

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"stele/proofs"
	"stele/site/edge/store"
)

// What comes of looking at an outside view.
const (
	NotYet      = "not-yet"     // no check has run
	Same        = "same"        // the same size and root
	Older       = "older"       // a part of what is in force here: a mirror takes its time
	Ahead       = "ahead"       // more, which goes on from what is in force here, as far as that could be proved
	Differs     = "differs"     // another history
	Unreachable = "unreachable" // it did not answer
	Broken      = "broken"      // nothing that this registry has signed
	Undecided   = "undecided"   // it answered, and what is in force here could not be compared
)

const (
	lookTime    = 20 * time.Second // for one outside view
	behindAfter = 15 * 60          // seconds for which an outside view may be ahead: a publication reaches one place before another, as for stele monitor
	failuresTo  = 3                // checks in a row before one that does not answer is told
	mostProofs  = 16               // that are kept
	mostEarlier = 64               // trust files before the present one
	mostChecked = proofs.MaxCheckpoint
)

// MostTiles is how many tiles are read of an outside view, to prove that its ledger goes on from this one: the two edges of a tree of 2^40 entries and
// what lies between them.
const MostTiles = 16

// view is what is kept of an outside view.
type view struct {
	Result   string `json:"result"`
	Size     uint64 `json:"size"`
	Root     string `json:"root"`
	Seen     int64  `json:"seen"`     // when it answered last
	Failures int    `json:"failures"` // checks in a row
	Ahead    int64  `json:"ahead"`    // since when it is ahead; 0 if it is not
}

// A look is one view in one check.
type look struct {
	*check
	url     string
	v       *view
	decided bool // it was compared
	faults  []Fault
}

// broken says what an outside view answers with that nobody has to believe.
type broken struct{ error }

// run looks.
func (l *look) run(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if l.v == nil {
		l.v = &view{}
	}
	err := l.compare(ctx)
	var wrong *broken
	switch {
	case err == nil:
		l.v.Failures = 0
		return
	case errors.As(err, &wrong):
		l.fail(Broken, CodeBroken, Warning, err)
	default:
		l.fail(Unreachable, CodeUnreachable, Outage, err)
	}
}

func (l *look) fail(result, code, severity string, err error) {
	l.v.Failures++
	l.v.Result = result
	if l.v.Failures >= failuresTo {
		l.fault(code, severity, l.url+": "+err.Error())
	}
}

func (l *look) fault(code, severity, what string) {
	l.faults = append(l.faults, Fault{Code: code, Subject: l.url, Severity: severity, What: what, Hint: hints[code]})
}

// address is that of the view's checkpoint, and of its portal, if it is one.
func (l *look) address() (checkpoint, portal string) {
	const path = "/ledger/checkpoint"
	if portal, ok := strings.CutSuffix(l.url, path); ok {
		return l.url, portal
	}
	if strings.HasSuffix(l.url, "/checkpoint") {
		return l.url, ""
	}
	portal = strings.TrimSuffix(l.url, "/")
	return portal + path, portal
}

func (l *look) get(ctx context.Context, url string, most int) ([]byte, error) {
	status, b, err := l.ask(ctx, http.MethodGet, url, nil)
	switch {
	case err != nil:
		return nil, err
	case status != http.StatusOK:
		return nil, fmt.Errorf("%s: answered %d", url, status)
	case len(b) > most:
		return nil, &broken{fmt.Errorf("%s: %d bytes, want at most %d", url, len(b), most)}
	}
	return b, nil
}

// compare reads the view's checkpoint and compares it with the one in force. An error says that there was nothing to compare with.
func (l *look) compare(ctx context.Context) error {
	address, portal := l.address()
	b, err := l.get(ctx, address, mostChecked)
	if err != nil {
		return err
	}
	theirs, err := l.verify(ctx, b)
	if err != nil {
		return err
	}
	l.v.Size, l.v.Root, l.v.Seen, l.v.Result = theirs.Size, theirs.Root.String(), l.now, Undecided
	if l.j == nil || l.j.Set != nil && l.j.signed == nil {
		return nil
	}
	if l.j.Set == nil { // an edge to which nothing was published is behind everybody
		l.ahead(theirs, b, "")
		return nil
	}
	ours := l.j.signed.Checkpoint
	switch {
	case theirs == ours:
		l.agree(Same)
	case theirs.Size == ours.Size:
		return l.accuse(ctx, l.j.checkpoint, b, theirs.Root, nil, ours.Size)
	case theirs.Size < ours.Size:
		return l.compareOlder(ctx, theirs, b)
	default:
		return l.compareLarger(ctx, portal, theirs, b)
	}
	return nil
}

func (l *look) agree(result string) { l.v.Result, l.v.Ahead, l.decided = result, 0, true }

// verify parses a checkpoint and demands a signature of one of the log's keys, present or past. One of them that fails is as good as none.
func (l *look) verify(ctx context.Context, b []byte) (proofs.Checkpoint, error) {
	c, n, err := proofs.ParseCheckpoint(b)
	if err != nil {
		return c, &broken{err}
	}
	if origin := l.Source.Trust.Origin; c.Origin != origin {
		return c, &broken{fmt.Errorf("it shows a checkpoint of %q, want %q", c.Origin, origin)}
	}
	chain, err := l.trusts(ctx)
	for _, t := range chain {
		for _, log := range t.Policy.Logs {
			for i := range n.Signatures {
				if _, err := n.Signatures[i].CheckCheckpoint(log.Key, c); err == nil {
					return c, nil
				}
			}
		}
	}
	if err != nil {
		return c, fmt.Errorf("whether the registry has signed it is not known: %w", err)
	}
	return c, &broken{errors.New("it shows a checkpoint that is not signed by the registry")}
}

// trusts are the trust file in force here and those before it, as far as each names the one before.
func (c *check) trusts(ctx context.Context) ([]*proofs.Trust, error) {
	c.chainOnce.Do(func() {
		if c.j == nil {
			c.chain = []*proofs.Trust{c.Source.Trust}
			return
		}
		c.chain = []*proofs.Trust{c.j.trust}
		for t := c.j.trust; c.j.Set != nil && t.Previous != nil && len(c.chain) <= mostEarlier; {
			t, c.chainErr = c.before(ctx, c.j.Publication, t)
			if t == nil {
				return
			}
			c.chain = append(c.chain, t)
		}
	})
	return c.chain, c.chainErr
}

// compareOlder compares a view that has less with the beginning of what is in force here.
func (l *look) compareOlder(ctx context.Context, theirs proofs.Checkpoint, b []byte) error {
	ours := l.j.signed.Checkpoint
	root, growth, err := prefix(theirs.Size, ours, func(t proofs.Tile) ([]byte, error) { return l.own(ctx, t) })
	if err != nil { // what is served here is damaged, or cannot be read: that accuses nobody
		l.Log.Error("health: the ledger's tiles cannot be used", "view", l.url, "error", err)
		return nil
	}
	if root == theirs.Root {
		l.agree(Older)
		return nil
	}
	return l.accuse(ctx, b, l.j.checkpoint, root, growth, theirs.Size)
}

// own reads a tile of the ledger in force.
func (l *look) own(ctx context.Context, t proofs.Tile) ([]byte, error) {
	b, err := l.Source.Kept(ctx, "ledger/"+t.Path())
	if errors.Is(err, fs.ErrNotExist) && t.Width < proofs.TileWidth {
		t.Width = proofs.TileWidth
		return l.Source.Kept(ctx, "ledger/"+t.Path())
	}
	return b, err
}

// prefix is the root of a tree's first entries, proved to be that by the tiles.
func prefix(size uint64, whole proofs.Checkpoint, read func(proofs.Tile) ([]byte, error)) (root proofs.Hash, growth []proofs.Hash, err error) {
	nodes := proofs.TileNodes(whole.Size, read)
	if root, err = nodes.Root(size); err != nil {
		return root, nil, err
	}
	if growth, err = nodes.Consistency(size, whole.Size); err != nil {
		return root, nil, err
	}
	return root, growth, proofs.CheckConsistency(size, whole.Size, root, whole.Root, growth)
}

// compareLarger compares a view that has more: whether it goes on from what is in force here shows in its own tiles, if it is a portal.
func (l *look) compareLarger(ctx context.Context, portal string, theirs proofs.Checkpoint, b []byte) error {
	if portal == "" {
		l.ahead(theirs, b, "it shows no tiles that could prove that it goes on from what is in force here")
		return nil
	}
	ours, left := l.j.signed.Checkpoint, MostTiles
	root, growth, err := prefix(ours.Size, theirs, func(t proofs.Tile) ([]byte, error) {
		if left--; left < 0 {
			return nil, fmt.Errorf("more than %d tiles are needed", MostTiles)
		}
		return l.tile(ctx, portal, t)
	})
	switch {
	case err != nil:
		l.ahead(theirs, b, "whether it goes on from what is in force here could not be proved: "+err.Error())
	case root != ours.Root:
		return l.accuse(ctx, l.j.checkpoint, b, root, growth, ours.Size)
	default:
		l.ahead(theirs, b, "")
		l.decided = true
	}
	return nil
}

// tile reads a tile of the view; a partial one may have been deleted since it was full.
func (l *look) tile(ctx context.Context, portal string, t proofs.Tile) ([]byte, error) {
	const most = proofs.TileWidth * len(proofs.Hash{})
	b, err := l.get(ctx, portal+"/ledger/"+t.Path(), most)
	if err != nil && t.Width < proofs.TileWidth && ctx.Err() == nil {
		t.Width = proofs.TileWidth
		b, err = l.get(ctx, portal+"/ledger/"+t.Path(), most)
	}
	return b, err
}

// ahead notes that a view has more, and tells it once that has lasted: since it was first seen here, or since the day that it says it was signed, where
// it has all the signatures that the trust file demands.
func (l *look) ahead(theirs proofs.Checkpoint, b []byte, unproved string) {
	l.v.Result = Ahead
	if l.v.Ahead == 0 {
		l.v.Ahead = l.now
	}
	if s, missing, err := l.j.trust.Examine(b, l.now); err == nil && missing == "" && s.AsOf > 0 {
		l.v.Ahead = min(l.v.Ahead, s.AsOf)
	}
	if l.now-l.v.Ahead <= behindAfter {
		return
	}
	ours := uint64(0)
	if l.j.signed != nil {
		ours = l.j.signed.Size
	}
	what := fmt.Sprintf("%s has shown more since %s: %d entries, and %d are in force here", l.url, stamp(l.v.Ahead), theirs.Size, ours)
	if unproved != "" {
		what += "; " + unproved
	}
	l.fault(CodeBehind, Alarm, what)
}

// accuse tells that two histories were signed, if that is proved to whoever has the trust file, and keeps the proof.
func (l *look) accuse(ctx context.Context, one, other []byte, root proofs.Hash, growth []proofs.Hash, size uint64) error {
	file := proofs.FormatFork(one, other, root, growth)
	chain, err := l.trusts(ctx)
	if err != nil {
		return err
	}
	if _, err := chain[0].CheckEvidence(file, chain[1:], l.now); err != nil {
		return &broken{fmt.Errorf("it shows another history, which proves nothing: %w", err)}
	}
	l.v.Result, l.v.Ahead, l.decided = Differs, 0, true
	before, stood := l.st.Alarms[Fault{Code: CodeDiffers, Subject: l.url}.key()]
	if stood && before.Evidence != "" && l.proofStands(ctx, before.Evidence) {
		l.faults = append(l.faults, before.Fault) // the first proof suffices
		return nil
	}
	l.fault(CodeDiffers, Alarm, fmt.Sprintf("%s has another history: two roots of a ledger of %d entries were signed", l.url, size))
	l.faults[0].Evidence, err = l.keepProof(ctx, file)
	if err != nil {
		l.Log.Error("health: the proof that two histories were signed could not be kept", "view", l.url, "error", err)
	}
	return nil
}

// EvidencePath is where proofs are handed out, before their names. What else is below /health/ are the deployment's own files (package page).
const EvidencePath = "/health/evidence/"

const evidenceKind = ".stele-evidence"

// keepProof keeps a proof and returns its address; "" where there are too many.
func (l *look) keepProof(ctx context.Context, file []byte) (string, error) {
	name := proofs.Hash(sha256.Sum256(file)).String()
	all, more, err := l.Source.Store.List(ctx, EvidencePrefix, "")
	if err != nil {
		return "", err
	}
	if more || len(all) >= mostProofs {
		return "", fmt.Errorf("%d proofs are kept already", len(all))
	}
	err = l.Source.Store.Put(ctx, EvidencePrefix+name, file, store.Absent)
	if err != nil && !errors.Is(err, store.ErrChanged) { // it is there
		return "", err
	}
	return strings.TrimSuffix(l.URL, "/") + EvidencePath + name + evidenceKind, nil
}

// proofStands reports whether a proof is still kept, or may be.
func (c *check) proofStands(ctx context.Context, address string) bool {
	_, name, ok := strings.Cut(address, EvidencePath)
	if !ok {
		return false
	}
	_, _, err := c.Source.Store.Get(ctx, EvidencePrefix+strings.TrimSuffix(name, evidenceKind))
	return !errors.Is(err, fs.ErrNotExist)
}
