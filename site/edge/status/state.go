package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"stele/site/edge/store"
)

// What a fault is worth, in stele monitor's words.
const (
	Alarm   = "alarm"
	Outage  = "outage"
	Warning = "warning"
)

// The codes of faults; where stele monitor has the same, its own.
const (
	CodeLate        = "late"             // the next publication is overdue
	CodeStale       = "stale"            // the newest evidence is older than stale-after
	CodeQuorum      = "quorum"           // what is in force lacks signatures
	CodeOutage      = "outage"           // what is in force cannot be read
	CodeRollback    = "rollback"         // an older publication is in force than was before
	CodeDiffers     = "fork"             // an outside view has another history, with proof
	CodeBehind      = "behind"           // an outside view has had more for longer than a publication takes
	CodeUnreachable = "view-unreachable" // an outside view has not answered, several times
	CodeBroken      = "view-broken"      // an outside view answers, but with nothing that this registry has signed; several times
)

var hints = map[string]string{
	CodeLate:        "look whether the publisher runs, and whether stele publish --to reaches this edge",
	CodeStale:       "publish: until then verifiers say that the registry's news is too old",
	CodeQuorum:      "do not believe what is in force; publish it anew with the signatures that the trust file demands",
	CodeOutage:      "nothing is known against the registry; look at the edge's store",
	CodeRollback:    "somebody put an older publication back, or a backup was restored: ask who can write to the edge's store, and publish again",
	CodeDiffers:     "two histories were signed: give the evidence to the registry's officers, its witnesses and the public; stele verify-evidence FILE --policy TRUST-FILE checks it",
	CodeBehind:      "a publication did not reach this edge, or was taken back: run stele publish --to again, and look at its attempts",
	CodeUnreachable: "nothing is known against the registry; ask who runs that host, if it stays so",
	CodeBroken:      "nothing is known against the registry; look whether the address is right, and ask who runs that host",
}

// A Fault is something that is not as it should be, for as long as it stays.
type Fault struct {
	Code     string `json:"code"`
	Subject  string `json:"subject,omitempty"` // the outside view
	Severity string `json:"severity"`
	What     string `json:"what"`
	Evidence string `json:"evidence,omitempty"` // its address
	Hint     string `json:"hint,omitempty"`

	since int64 // when it began, if that is known by itself
}

func (f Fault) key() string { return f.Code + " " + f.Subject }

func outage(err error) Fault {
	return Fault{Code: CodeOutage, Severity: Outage, What: err.Error(), Hint: hints[CodeOutage]}
}

// A standing alarm has begun and has not ended.
type standing struct {
	Fault
	Since int64 `json:"since"`
}

// state is what is kept between checks.
type state struct {
	Run     uint64              `json:"run"`   // counts up, so that no state is ever written twice
	Until   int64               `json:"until"` // a run is at work, at most until then; 0 for none
	Checked int64               `json:"checked"`
	Newest  newest              `json:"newest"`
	Alarms  map[string]standing `json:"alarms"`
	Queue   []Message           `json:"queue"` // told, and not delivered yet
	Next    uint64              `json:"next"`  // message
	Views   map[string]*view    `json:"views"`
}

// newest is the newest publication that was in force at any check.
type newest struct {
	Time        int64  `json:"time"`
	Publication uint64 `json:"publication"`
	Size        uint64 `json:"size"`
}

// load reads the state and its version. One that is not there, or cannot be read as one, is empty: a check begins anew with it.
func (s *Status) load(ctx context.Context) (*state, string, error) {
	st := &state{Alarms: map[string]standing{}, Views: map[string]*view{}}
	b, version, err := s.Source.Store.Get(ctx, StateObject)
	if errors.Is(err, fs.ErrNotExist) {
		return st, "", nil
	}
	if err != nil {
		return st, "", fmt.Errorf("read what was found: %w", err)
	}
	var read state
	if err := json.Unmarshal(b, &read); err != nil {
		s.Log.Error("health: what was found before is lost", "object", StateObject, "error", err)
		return st, version, nil
	}
	if read.Alarms == nil {
		read.Alarms = st.Alarms
	}
	if read.Views == nil {
		read.Views = st.Views
	}
	maps.DeleteFunc(read.Views, func(_ string, v *view) bool { return v == nil })
	return &read, version, nil
}

// save writes the state if nobody else has since it was of a version, and returns the next version; store.ErrChanged if somebody has.
func (s *Status) save(ctx context.Context, st *state, version string) (string, error) {
	st.Run++
	b, err := json.Marshal(st)
	if err != nil {
		return "", err
	}
	when := store.Absent
	if version != "" {
		when = store.Still(version)
	}
	if err := s.Source.Store.Put(ctx, StateObject, b, when); err != nil {
		return "", err
	}
	got, version, err := s.Source.Store.Get(ctx, StateObject)
	if err == nil && string(got) != string(b) {
		err = store.ErrChanged
	}
	return version, err
}

// sorted are the alarms that stand, in the order of their keys.
func (st *state) sorted() (all []standing) {
	for _, key := range slices.Sorted(maps.Keys(st.Alarms)) {
		all = append(all, st.Alarms[key])
	}
	return all
}
