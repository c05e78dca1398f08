package portal

import (
	"net/http"
	"time"
)

// Impatient is a portal over HTTP that waits for an answer no longer than this.
func Impatient(base string, patience time.Duration) Portal {
	return &web{base, &http.Client{Timeout: patience}}
}

// MaxEpochs is how many trust files are read.
const MaxEpochs = maxEpochs

// MaxFile is the most that is read of one file, in bytes.
const MaxFile = maxFile
