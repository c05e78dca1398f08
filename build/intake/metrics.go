package intake

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"stele/build/registry"
)

// Metrics are what a Prometheus server reads.
type Metrics struct {
	all          *prometheus.Registry
	requests     *prometheus.CounterVec
	took         *prometheus.HistogramVec
	statements   *prometheus.CounterVec
	committed    prometheus.Histogram
	commitTook   prometheus.Histogram
	publications *prometheus.CounterVec
	publishTook  prometheus.Histogram
	refused      prometheus.Counter
	size, keys   prometheus.Gauge
	published    prometheus.Gauge
	pushes       *prometheus.CounterVec
	pushed       *prometheus.GaugeVec
	pushTook     prometheus.Histogram

	officersHave, officersNeeded prometheus.Gauge
	witnessesFailed              prometheus.Gauge
	since, signed                ages
}

// ages is a moment that a metric tells the age of; the zero value is none.
type ages struct {
	mu   sync.Mutex
	unix int64
}

func (a *ages) set(unix int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unix = unix
}

// age is in seconds, 0 where there is nothing to tell the age of.
func (a *ages) age() float64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.unix == 0 {
		return 0
	}
	return max(0, time.Since(time.Unix(a.unix, 0)).Seconds())
}

// NewMetrics makes the metrics of a daemon, and of its intake if it has one.
func NewMetrics(in *registry.Intake) *Metrics {
	m := &Metrics{all: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "stele_requests_total", Help: "Requests to /v1/."}, []string{"path", "method", "code"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "stele_request_seconds", Help: "How long requests took.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 16)}, []string{"path"}),
		statements: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "stele_statements_total", Help: "Statements submitted, by what they were told."}, []string{"state"}),
		committed: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "stele_commit_statements", Help: "Statements made durable with one sync.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 8)}),
		commitTook: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "stele_commit_seconds", Help: "How long a durable write of the queue took.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14)}),
		publications: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "stele_publications_total", Help: "Publications of this daemon."}, []string{"result"}),
		publishTook: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "stele_publication_seconds", Help: "How long publications took.",
			Buckets: prometheus.ExponentialBuckets(0.05, 2, 14)}),
		refused:   prometheus.NewCounter(prometheus.CounterOpts{Name: "stele_publication_refused_total", Help: "Queued statements that a publication has refused."}),
		size:      prometheus.NewGauge(prometheus.GaugeOpts{Name: "stele_ledger_size", Help: "Entries in the ledger as this daemon has published it last."}),
		keys:      prometheus.NewGauge(prometheus.GaugeOpts{Name: "stele_index_keys", Help: "Documents in the index as this daemon has published it last."}),
		published: prometheus.NewGauge(prometheus.GaugeOpts{Name: "stele_published_timestamp_seconds", Help: "When this daemon has published last."}),

		pushes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "stele_pushes_total", Help: "Attempts to bring what is published to an edge."}, []string{"edge", "result"}),
		pushed: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "stele_pushed_timestamp_seconds", Help: "When an edge was last found to serve what is published."}, []string{"edge"}),
		pushTook: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "stele_push_seconds", Help: "How long it took to bring a publication to an edge.",
			Buckets: prometheus.ExponentialBuckets(0.05, 2, 14)}),

		officersHave:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "stele_proposal_officers", Help: "Officers of the quorum that have approved the proposal; 0 where there is none."}),
		officersNeeded:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "stele_proposal_officers_needed", Help: "Officers that have to approve the proposal; 0 where there is none."}),
		witnessesFailed: prometheus.NewGauge(prometheus.GaugeOpts{Name: "stele_witnesses_failed", Help: "Witnesses that did not cosign at this daemon's last publication."}),
	}
	m.all.MustRegister(m.officersHave, m.officersNeeded, m.witnessesFailed,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "stele_proposal_age_seconds", Help: "How long the proposal has waited; 0 where there is none."}, m.since.age),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "stele_publication_age_seconds", Help: "How long ago the log has signed what this daemon has published last."}, m.signed.age))
	m.all.MustRegister(m.requests, m.took, m.statements, m.committed, m.commitTook, m.publications, m.publishTook, m.refused, m.size, m.keys, m.published, m.pushes, m.pushed, m.pushTook,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if in != nil {
		m.watch(in)
	}
	return m
}

func (m *Metrics) watch(in *registry.Intake) {
	pending := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "stele_queue_statements", Help: "Statements that wait for publication."},
		func() float64 { n, _ := in.Pending(); return float64(n) })
	limit := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "stele_queue_limit", Help: "Statements that may wait."},
		func() float64 { _, n := in.Pending(); return float64(n) })
	m.all.MustRegister(pending, limit)
	in.Committed = func(n int, took time.Duration) {
		m.committed.Observe(float64(n))
		m.commitTook.Observe(took.Seconds())
	}
}

// Handler serves the metrics at /metrics.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.all, promhttp.HandlerOpts{}))
	return mux
}

func (m *Metrics) request(path, method string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodHead:
	default:
		method = "other" // methods are the sender's to invent
	}
	m.requests.WithLabelValues(path, method, strconv.Itoa(status)).Inc()
	m.took.WithLabelValues(path).Observe(took.Seconds())
}

// Publication counts a publication.
func (m *Metrics) Publication(p *registry.Publication, took time.Duration, err error) {
	m.publishTook.Observe(took.Seconds())
	result := "ok"
	switch {
	case err != nil:
		result = "failed"
	case p.Proposal != nil:
		result = "proposed"
	case p.Stale != "":
		result = "stale"
	}
	m.publications.WithLabelValues(result).Inc()
	if p == nil {
		return
	}
	m.refused.Add(float64(len(p.Refused)))
	m.witnessesFailed.Set(float64(len(p.Faults)))
	m.proposal(p.Proposal)
	if p.Number > 0 {
		m.size.Set(float64(p.Checkpoint.Size))
		m.keys.Set(float64(p.Keys))
		m.published.Set(float64(p.Time))
		m.signed.set(p.Time)
	}
}

// Push counts an attempt to bring what is published to an edge.
func (m *Metrics) Push(edge string, took time.Duration, err error) {
	m.pushTook.Observe(took.Seconds())
	if err != nil {
		m.pushes.WithLabelValues(edge, "failed").Inc()
		return
	}
	m.pushes.WithLabelValues(edge, "ok").Inc()
	m.pushed.WithLabelValues(edge).Set(float64(time.Now().Unix()))
}

// proposal tells of what waits.
func (m *Metrics) proposal(q *registry.Proposal) {
	if q == nil {
		q = &registry.Proposal{}
	}
	m.officersHave.Set(float64(q.Officers.Have))
	m.officersNeeded.Set(float64(q.Officers.Needed))
	m.since.set(q.Since)
}

// approved tells of an approval that has come in.
func (m *Metrics) approved(a *registry.Approval) {
	if !a.Published {
		m.officersHave.Set(float64(a.Officers.Have))
		m.officersNeeded.Set(float64(a.Officers.Needed))
	}
}
