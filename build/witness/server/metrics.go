package server

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sys/unix"

	"stele/site/edge/witness"
)

// Metrics are what a Prometheus server reads.
type Metrics struct {
	all         *prometheus.Registry
	requests    *prometheus.CounterVec
	took        *prometheus.HistogramVec
	sizes       *prometheus.GaugeVec
	times       *prometheus.GaugeVec
	failures    *prometheus.CounterVec
	misbehaving *prometheus.CounterVec
	logs        prometheus.Gauge
	broken      prometheus.Gauge
}

// NewMetrics makes the metrics of a witness.
func NewMetrics() *Metrics {
	ofLog := []string{"origin"}
	m := &Metrics{all: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "stele_witness_requests_total", Help: "Requests."}, []string{"what", "code"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "stele_witness_request_seconds", Help: "How long requests took.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14)}, []string{"what"}),
		sizes:       prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "stele_witness_size", Help: "Size of the last checkpoint of a log that was cosigned since this process began."}, ofLog),
		times:       prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "stele_witness_cosigned_timestamp_seconds", Help: "When a checkpoint of a log was cosigned last since this process began."}, ofLog),
		failures:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "stele_witness_failures_total", Help: "Checkpoints that were not cosigned because of a fault of the witness itself."}, ofLog),
		misbehaving: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "stele_witness_misbehaviour_total", Help: "Checkpoints that a log has signed and that do not follow: fork, two ledgers of one size; unproved, a proof that does not hold."}, []string{"origin", "kind"}),
		logs:        prometheus.NewGauge(prometheus.GaugeOpts{Name: "stele_witness_logs", Help: "Logs that are witnessed."}),
		broken:      prometheus.NewGauge(prometheus.GaugeOpts{Name: "stele_witness_logs_file_broken", Help: "1 where the file of logs cannot be used and what it said before is kept."}),
	}
	m.all.MustRegister(m.requests, m.took, m.sizes, m.times, m.failures, m.misbehaving, m.logs, m.broken,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics at /metrics.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.all, promhttp.HandlerOpts{}))
	return mux
}

// events are what of a witness is counted.
func (m *Metrics) events() witness.Events {
	return witness.Events{
		Request: func(what string, status int, took time.Duration) {
			m.requests.WithLabelValues(what, strconv.Itoa(status)).Inc()
			m.took.WithLabelValues(what).Observe(took.Seconds())
		},
		Cosigned: func(origin string, size uint64, time int64) {
			m.sizes.WithLabelValues(origin).Set(float64(size))
			m.times.WithLabelValues(origin).Set(float64(time))
		},
		Unfit:      func(origin string) { m.failures.WithLabelValues(origin).Inc() },
		Misbehaved: func(origin, kind string) { m.misbehaving.WithLabelValues(origin, kind).Inc() },
	}
}

func (m *Metrics) configured(logs int, ok bool) {
	m.logs.Set(float64(logs))
	m.broken.Set(map[bool]float64{false: 1}[ok])
}

const leastDisk = 64 << 20 // bytes

// problems are those of the machine.
func (s *Server) problems() []string {
	var st unix.Statfs_t
	if err := unix.Statfs(s.Dir, &st); err != nil {
		return []string{fmt.Sprintf("the disk cannot be asked for its room: %v", err)}
	}
	if free := st.Bavail * uint64(st.Bsize); free < leastDisk {
		return []string{fmt.Sprintf("%d MB are left on the disk, want at least %d", free>>20, leastDisk>>20)}
	}
	return nil
}
