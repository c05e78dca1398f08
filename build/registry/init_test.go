package registry

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestInitBrokenOff: without a trust file the folder is no registry yet, and says what to do.
func TestInitBrokenOff(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "registry")
	setup := Setup{Origin: "test.example/ledger", Title: "Test", Demo: true, StaleAfter: time.Hour}
	if _, err := Init(dir, setup, nil); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if _, err := Init(dir, setup, nil); !errors.As(err, &e) || e.Hint == "" {
		t.Errorf("made twice: got %v, want a refusal with a hint", err)
	}
	if err := os.Remove(filepath.Join(dir, "trust")); err != nil { // it is written last
		t.Fatal(err)
	}
	if _, err := Open(dir, nil); !errors.As(err, &e) || e.Hint == "" {
		t.Errorf("opened without a trust file: got %v, want a refusal with a hint", err)
	}
	if _, err := Init(dir, setup, nil); err == nil || !strings.Contains(err.Error(), "hint: ") {
		t.Errorf("made over the keys that were left: got %v, want a refusal with a hint", err)
	}
}
