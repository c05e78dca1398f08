package witness

import (
	"fmt"

	"stele/proofs"
)

const (
	mostKeys   = 8   // of one log, so that a checkpoint with all of them and ours has 16 lines at most
	mostOrigin = 255 // bytes: what an ML-DSA-44 cosignature can name
)

// ParseLogs reads the log lines of a c2sp.org/tlog-policy file: the keys of each log that is to be witnessed, by its origin. The file's other lines are for
// those who verify.
func ParseLogs(text []byte) (map[string][]*proofs.Key, error) {
	p, err := proofs.ParsePolicy(text)
	if err != nil {
		return nil, err
	}
	keys := map[string][]*proofs.Key{}
	for _, l := range p.Logs {
		origin := l.Key.Name
		if len(origin) > mostOrigin {
			return nil, fmt.Errorf("a log's name of %d bytes, want at most %d", len(origin), mostOrigin)
		}
		if keys[origin] = append(keys[origin], l.Key); len(keys[origin]) > mostKeys {
			return nil, fmt.Errorf("over %d keys of %q", mostKeys, origin)
		}
	}
	return keys, nil
}
