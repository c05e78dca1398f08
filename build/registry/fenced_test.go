package registry

import (
	"context"
	"strings"
	"testing"

	"stele/build/storage/storagetest"
)

// TestFencedAnywhere: a publisher loses its lock unawares at each of its stages, and another publishes all there is meanwhile. The
// first one does no harm when it goes on, and whoever publishes next finds everything in order.
func TestFencedAnywhere(t *testing.T) {
	t.Parallel()
	s := storagetest.Start(t)
	dirs := machinesInCloud(t, s, 2)
	publish(t, openAt(t, dirs[0], start))
	stages := []string{"comparing what", "opening the", "finishing what", "putting what", "checking the", "writing what", "clearing up"}
	now, documents := start, 0
	for i, stage := range stages {
		now += hour
		register(t, openAt(t, dirs[0], now), office, documents, documents+20)
		documents += 20
		r := openAt(t, dirs[0], now)
		r.Stage = func(at string) {
			if !strings.HasPrefix(at, stage) {
				return
			}
			var id int
			if err := s.DB(t).QueryRow("SELECT IS_USED_LOCK(CONCAT('stele ', LEFT(SHA1(DATABASE()), 16), ' ', 'publish.lock'))").Scan(&id); err != nil {
				t.Fatal(err)
			}
			if _, err := s.DB(t).Exec("KILL ?", id); err != nil {
				t.Fatal(err)
			}
			if i%2 == 1 {
				register(t, openAt(t, dirs[1], now), office, documents, documents+5)
				documents += 5
			}
			publish(t, openAt(t, dirs[1], now+60))
		}
		_, err := r.Publish(context.Background())
		t.Logf("%s: %v", stage, err)
		now += 120
		publish(t, openAt(t, dirs[i%2], now))
		wholeInCloud(t, dirs[1], now, documents)
	}
}
