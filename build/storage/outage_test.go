package storage

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// fakeStore keeps objects, and is out of order for a while.
type fakeStore struct {
	mu      sync.Mutex
	objects map[string][]byte
	down    bool
}

func (f *fakeStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		w.WriteHeader(http.StatusForbidden) // not tried again by the SDK
		return
	}
	switch r.Method {
	case http.MethodPut:
		b, _ := io.ReadAll(r.Body)
		f.objects[r.URL.Path] = b
	case http.MethodGet:
		b, ok := f.objects[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Write(b)
	}
}

// client is a client of a store.
func client(srv *httptest.Server) *s3.Client {
	return s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: aws.String(srv.URL), UsePathStyle: true, HTTPClient: srv.Client(),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
}

// TestPutBrokenOff: a store breaks off the connection where an object is there already, before it has read the new one. The same
// object is then as good as written, and another one is not.
func TestPutBrokenOff(t *testing.T) {
	f := &fakeStore{objects: map[string][]byte{"/bucket/public/there": []byte("content")}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			panic(http.ErrAbortHandler)
		}
		f.ServeHTTP(w, r)
	}))
	defer srv.Close()
	b := newBucket(client(srv), "bucket", "public/", nil)
	if err := errors.Join(b.Put("there", []byte("content")), b.Sync()); err != nil {
		t.Errorf("the same: %v", err)
	}
	for _, name := range []string{"there", "elsewhere"} {
		if err := errors.Join(b.Put(name, []byte("other")), b.Sync()); err == nil {
			t.Errorf("%s: other content was taken to be written", name)
		}
	}
}

// TestPutAfterOutage: what could not be written is told once, to the publication that it was of, and after a Sync to nobody.
func TestPutAfterOutage(t *testing.T) {
	f := &fakeStore{objects: map[string][]byte{}}
	srv := httptest.NewServer(f)
	defer srv.Close()
	b := newBucket(client(srv), "bucket", "public/", nil)
	f.mu.Lock()
	f.down = true
	f.mu.Unlock()
	if err := b.Put("index/1", []byte("1")); err != nil {
		t.Fatal(err)
	}
	for n := 2; b.Put(fmt.Sprintf("index/%d", n), []byte("2")) == nil; n++ { // a publication goes on until it is told, and ends
		time.Sleep(time.Millisecond)
	}
	b.Sync() // the next one begins
	f.mu.Lock()
	f.down = false
	f.mu.Unlock()
	if err := errors.Join(b.Put("index/1", []byte("1")), b.Sync()); err != nil {
		t.Errorf("after the outage: %v", err)
	}
}
