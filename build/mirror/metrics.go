package mirror

import (
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"stele/build/follow"
	"stele/proofs"
)

// Metrics are what a Prometheus server reads.
type Metrics struct {
	all          *prometheus.Registry
	rounds       *prometheus.CounterVec
	took         prometheus.Histogram
	fetched      prometheus.Counter
	bytes        prometheus.Counter
	healed       prometheus.Counter
	size, number prometheus.Gauge
	asOf, well   prometheus.Gauge
	conflict     prometheus.Gauge
}

// NewMetrics makes the metrics of a mirror that goes on.
func NewMetrics() *Metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &Metrics{all: prometheus.NewRegistry(),
		rounds: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "stele_mirror_rounds_total", Help: "Rounds, by what they came to."}, []string{"result"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "stele_mirror_round_seconds", Help: "How long rounds took.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 18)}),
		fetched:  counter("stele_mirror_files_total", "Files read from the origin."),
		bytes:    counter("stele_mirror_bytes_total", "Bytes read from the origin."),
		healed:   counter("stele_mirror_healed_total", "Files of the copy that were damaged, and have been fetched again."),
		size:     gauge("stele_mirror_ledger_size", "Entries in the copy's ledger."),
		number:   gauge("stele_mirror_publication", "The copy's publication."),
		asOf:     gauge("stele_mirror_as_of_timestamp_seconds", "The time that the copy's signatures prove."),
		well:     gauge("stele_mirror_round_timestamp_seconds", "When a round last came to its end without an error."),
		conflict: gauge("stele_mirror_conflict", "1 once a round has found that the origin has signed two ledgers, or shows a smaller one than the copy's, until it shows the copy's again."),
	}
	m.all.MustRegister(m.rounds, m.took, m.fetched, m.bytes, m.healed, m.size, m.number, m.asOf, m.well, m.conflict,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics at /metrics.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.all, promhttp.HandlerOpts{}))
	return mux
}

// Round counts a round.
func (m *Metrics) Round(r *Result, took time.Duration, err error) {
	m.took.Observe(took.Seconds())
	m.rounds.WithLabelValues(Code(r, err)).Inc()
	if Accuses(err) {
		m.conflict.Set(1)
	}
	if r == nil {
		return
	}
	m.conflict.Set(0)
	m.fetched.Add(float64(r.Files))
	m.bytes.Add(float64(r.Bytes))
	m.healed.Add(float64(r.Healed))
	m.size.Set(float64(r.Size))
	m.number.Set(float64(r.Publication))
	m.asOf.Set(float64(r.AsOf))
	m.well.SetToCurrentTime()
}

// Accuses reports whether an error says that the origin contradicts what it has published before.
func Accuses(err error) bool {
	var fork *ForkError
	var back *RollbackError
	return errors.As(err, &fork) || errors.As(err, &back)
}

// Code is what a round came to, in a word: a Result's state, fork, rollback, wrong for what is not what it should be, or failed for
// whatever kept the round from coming to anything.
func Code(r *Result, err error) string {
	var (
		fork       *ForkError
		back       *RollbackError
		wrong      *WrongError
		few        *proofs.InsufficientError
		unverified *proofs.UnverifiedError
	)
	switch {
	case err == nil:
		return r.State
	case errors.As(err, &fork):
		return "fork"
	case errors.As(err, &back):
		return "rollback"
	case errors.As(err, &wrong), errors.As(err, &few), errors.As(err, &unverified), follow.Code(err) != "" && follow.Code(err) != follow.CodeOutage:
		return "wrong"
	}
	return "failed"
}
