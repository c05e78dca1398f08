package storage_test

import (
	"errors"
	"net/http/httptest"
	"testing"

	"stele/build/storage"
	"stele/site"
)

type down struct{ storage.Files }

func (down) Read(string) ([]byte, error) { return nil, errors.New("the store does not answer") }

// TestOutageIsNot404: where the store does not answer, a file is not said to be absent.
func TestOutageIsNot404(t *testing.T) {
	w := httptest.NewRecorder()
	site.HandlerFS(storage.FS(down{})).ServeHTTP(w, httptest.NewRequest("GET", "/ledger/head", nil))
	if w.Code != 500 && w.Code != 503 {
		t.Errorf("got %d, want an error of the server's", w.Code)
	}
}
