package monitor

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are what a Prometheus server reads. That stele_monitor_round_timestamp_seconds stands still is how somebody else notices that the monitor is
// down.
type Metrics struct {
	all         *prometheus.Registry
	rounds      *prometheus.CounterVec
	round       prometheus.Gauge
	decided     prometheus.Gauge
	size, asOf  prometheus.Gauge
	alarms      *prometheus.GaugeVec
	witnesses   *prometheus.GaugeVec
	undelivered prometheus.Gauge
}

// NewMetrics makes the metrics of a monitor.
func NewMetrics() *Metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "stele_monitor_" + name, Help: help})
	}
	m := &Metrics{all: prometheus.NewRegistry(),
		rounds:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "stele_monitor_rounds_total", Help: "Rounds, by their outcome: well, alarm, undecided, failed."}, []string{"outcome"}),
		round:       gauge("round_timestamp_seconds", "When the last round ended."),
		decided:     gauge("decided_timestamp_seconds", "When the last round ended in which nothing was left undecided."),
		size:        gauge("ledger_size", "Entries of the ledger that was gone through."),
		asOf:        gauge("as_of_timestamp_seconds", "The time of the newest evidence."),
		alarms:      prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "stele_monitor_alarm", Help: "1 for each fault that stands."}, []string{"code", "severity", "subject"}),
		witnesses:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "stele_monitor_witness_size", Help: "What each witness has cosigned last."}, []string{"witness"}),
		undelivered: gauge("undelivered_messages", "Messages that could not be delivered yet."),
	}
	m.all.MustRegister(m.rounds, m.round, m.decided, m.size, m.asOf, m.alarms, m.witnesses, m.undelivered)
	return m
}

// Handler serves the metrics at /metrics.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.all, promhttp.HandlerOpts{}))
	return mux
}

// Round takes what a round has found; the report is nil where it failed.
func (m *Metrics) Round(mon *Monitor, r *Report) {
	if r == nil {
		m.rounds.WithLabelValues("failed").Inc()
		return
	}
	m.round.Set(float64(r.Time))
	outcome := []string{"well", "alarm", "undecided"}[r.Worst()]
	m.rounds.WithLabelValues(outcome).Inc()
	if outcome != "undecided" {
		m.decided.Set(float64(r.Time))
	}
	m.size.Set(float64(r.Size))
	m.asOf.Set(float64(r.AsOf))
	m.undelivered.Set(float64(r.Undelivered))
	m.alarms.Reset()
	for _, s := range mon.state.Alarms {
		m.alarms.WithLabelValues(s.Code, s.Severity, s.Subject).Set(1)
	}
	for name, size := range mon.state.Witnesses {
		m.witnesses.WithLabelValues(name).Set(float64(size))
	}
}
