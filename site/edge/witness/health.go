package witness

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// Health is the answer of /health.
type Health struct {
	OK       bool     `json:"ok"`
	Problems []string `json:"problems"`
	Logs     int      `json:"logs"`
}

// health looks at everything that would keep this witness from signing.
func (w *Witness) health(_ http.ResponseWriter, r *http.Request) outcome {
	h := w.Health(r.Context())
	b, err := json.Marshal(h)
	if err != nil {
		return said(http.StatusInternalServerError, "%v", err)
	}
	status := http.StatusOK
	if !h.OK {
		status = http.StatusServiceUnavailable
	}
	return outcome{status, "application/json", append(b, '\n')}
}

// Health looks at everything that would keep this witness from signing. It reads the records of all logs.
func (w *Witness) Health(ctx context.Context) Health {
	keys, err := w.c.Logs()
	h := Health{Problems: []string{}, Logs: len(keys)}
	problem := func(format string, args ...any) { h.Problems = append(h.Problems, fmt.Sprintf(format, args...)) }
	if err != nil {
		problem("%v", err)
	}
	if n := len(w.c.Signers); n == 0 || n > MostSigners {
		problem("%d keys, want 1 to %d", n, MostSigners)
	}
	for _, origin := range slices.Sorted(maps.Keys(keys)) {
		if err := w.fit(ctx, origin); err != nil {
			problem("nothing is signed for %s: %v", origin, err)
		}
	}
	if w.c.Problems != nil {
		h.Problems = append(h.Problems, w.c.Problems()...)
	}
	h.OK = len(h.Problems) == 0
	return h
}

// fit reports why nothing is signed for a log.
func (w *Witness) fit(ctx context.Context, origin string) error {
	defer w.turn(origin)()
	st, _, err := w.load(ctx, origin)
	if now := w.c.Now().Unix(); err == nil && st != nil && now < st.time-Backwards {
		err = fmt.Errorf("the clock is %d seconds before the last cosignature", st.time-now)
	}
	return err
}
