package main

import (
	"flag"
	"fmt"
	"strconv"
	"time"

	"stele/build/registry"
	"stele/proofs"
)

// withdrawResult is the JSON answer of withdraw.
type withdrawResult struct {
	Authority     string         `json:"authority"`
	State         string         `json:"state"` // pending
	From          *uint64        `json:"from"`  // place in the ledger, null if what it has said stands
	Registrations int            `json:"registrations_undone"`
	Undone        map[string]int `json:"undone"` // statements, by action
}

func runWithdraw(c *cli) error {
	var out string
	var from *string // nil if it is not given: an empty one is a mistake, such as a script's
	w := registry.Withdrawal{}
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.Func("from", "since when its keys are not to be believed: a `PLACE` in the ledger, a day or time of publication, or start (default: what it has said stands)",
			func(v string) error { from = &v; return nil })
		outFlag(fs, &out)
		fs.StringVar(&w.Reason, "reason", "", "why, in words that citizens read, for ever; at most 1,000 bytes")
	})
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return usage(`stele withdraw education.gov.example --reason "Why"`, "withdraw takes one authority, got %d", len(args))
	}
	if w.Authority = args[0]; !proofs.IsName(w.Authority) {
		return usage("stele issuers lists the authorities", "authority %q: want a name such as education.gov.example", w.Authority)
	}
	if err := checkReason(w.Reason); err != nil {
		return err
	}
	when, err := parseFrom(from, time.Now())
	if err != nil {
		return err
	}
	if err := checkOut(out); err != nil {
		return err
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	w.Say = c.sayTo(r, out)
	if w.From, err = when(r); err != nil {
		return err
	}
	if w.From != nil && *from != "start" && *from != strconv.FormatUint(*w.From, 10) {
		c.note("note: what was published from %s on begins at place %d of the ledger; days begin at midnight UTC", *from, *w.From)
	}
	return c.withdraw(r, w)
}

// parseFrom reads --from, and returns what finds the place in a registry.
func parseFrom(given *string, now time.Time) (func(*registry.Registry) (*uint64, error), error) {
	at := func(place uint64) func(*registry.Registry) (*uint64, error) {
		return func(*registry.Registry) (*uint64, error) { return &place, nil }
	}
	if given == nil {
		return func(*registry.Registry) (*uint64, error) { return nil, nil }, nil
	}
	from := *given
	if from == "start" {
		return at(0), nil
	}
	if place, err := strconv.ParseUint(from, 10, 63); err == nil {
		return at(place), nil
	}
	t, err := time.Parse(time.RFC3339, from)
	if err != nil && proofs.IsDate(from) {
		t, err = time.Parse(time.DateOnly, from) // midnight UTC, as everything published is timed
	}
	switch {
	case err != nil:
		return nil, usage("such as --from 2026-11-22, --from 2026-11-22T14:00:00Z, --from 1204 or --from start",
			"--from %q: want a place in the ledger, a day, a time with its zone, or start", from)
	case t.After(now):
		return nil, usage("leave --from out: from now on it can say nothing in any case", "--from %s lies ahead", from)
	}
	return func(r *registry.Registry) (*uint64, error) {
		place, err := r.PlaceAt(t)
		return &place, err
	}, nil
}

// withdraw tells what it takes back, and does it.
func (c *cli) withdraw(r *registry.Registry, w registry.Withdrawal) error {
	out := withdrawResult{Authority: w.Authority, State: "pending", From: w.From, Undone: map[string]int{}}
	if err := r.MayWithdraw(w); err != nil {
		return err
	}
	if w.From != nil {
		var err error
		out.Undone, err = r.Undone(c.ctx, w.Authority, *w.From, func(done, of uint64) {
			c.bar.show("counting what it has said: %d of %d entries", done, of)
		})
		c.bar.clear()
		if err != nil {
			return err
		}
	}
	out.Registrations = out.Undone[proofs.ActionRegister]
	if err := r.Withdraw(w); err != nil {
		return err
	}
	if w.Say != nil { // it was told as it was written
		if w.From != nil {
			c.note("note: %s would be undone", undoneText(out.Undone))
		}
		return nil
	}
	if c.json {
		return c.printJSON(out)
	}
	fmt.Fprintf(c.stdout, "%s may say nothing more, once published: %s\n", w.Authority, c.inRegistry("stele publish"))
	if w.From == nil {
		fmt.Fprintf(c.stdout, "what it has said before stands; --from takes that back too\n")
		return nil
	}
	fmt.Fprintf(c.stdout, "what it has said from place %d of the ledger on is not believed: %s undone; its revocations and suspensions stand\n",
		*w.From, undoneText(out.Undone))
	return nil
}

// undoneText counts what is void.
func undoneText(undone map[string]int) string {
	text := plural(undone[proofs.ActionRegister], "registration", "registrations")
	for _, action := range []string{proofs.ActionRestore, proofs.ActionSupersede, proofs.ActionLink} {
		if n := undone[action]; n > 0 {
			text += fmt.Sprintf(", %d × %s", n, action)
		}
	}
	return text
}
