package proofs

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestStamp compares with package time, on the edges of years and on random times.
func TestStamp(t *testing.T) {
	times := []int64{0, 1, secondsPerDay - 1, secondsPerDay, 951782399, 951782400, 951868800, 4107542399, 4107542400, 253402300799}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		times = append(times, rnd.Int64N(253402300800))
	}
	for _, unix := range times {
		if got, want := stamp(unix), time.Unix(unix, 0).UTC().Format(time.RFC3339); got != want {
			t.Fatalf("stamp(%d) = %s, want %s", unix, got, want)
		}
	}
}

// TestDayNumber compares with package time, every day of six centuries and what is no day.
func TestDayNumber(t *testing.T) {
	for d := time.Date(1599, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() < 2201; d = d.AddDate(0, 0, 1) {
		if got, ok := dayNumber(d.Format(time.DateOnly)); !ok || got*secondsPerDay != d.Unix() {
			t.Fatalf("dayNumber(%s) = %d, %v", d.Format(time.DateOnly), got, ok)
		}
	}
	for _, s := range []string{"", "2026-1-01", "2026-02-29", "1900-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "0000-01-01", "2026-01-00", "20260101", "2026-01-01 ", "+026-01-01"} {
		if IsDate(s) {
			t.Errorf("%q is taken for a date", s)
		}
	}
}
