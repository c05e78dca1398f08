package samples

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image/jpeg"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"regexp"
	"strconv"
	"testing"
)

func original(t *testing.T, f File) []byte { return content(t, find(t, f.Of)) }

// What was only added to begins with the original, and each entry of the update's table leads to its object.
func TestAnnotated(t *testing.T) {
	f := find(t, "received/diploma-annotated.pdf")
	b, before := content(t, f), original(t, f)
	if !bytes.HasPrefix(b, before) {
		t.Fatal("the original was changed")
	}
	entries := regexp.MustCompile(`(\d+) 1\n(\d{10}) 00000 n \n`).FindAllSubmatch(b[len(before):], -1)
	if len(entries) != 3 {
		t.Fatalf("%d entries, want 3", len(entries))
	}
	for _, e := range entries {
		at, _ := strconv.Atoi(string(e[2]))
		if head := string(e[1]) + " 0 obj\n"; at < len(before) || !bytes.HasPrefix(b[at:], []byte(head)) {
			t.Errorf("entry %q does not lead to %q", e[0], head)
		}
	}
	previous := regexp.MustCompile(`/Prev (\d+) `).FindSubmatch(b[len(before):])
	if previous == nil || !bytes.Contains(before, fmt.Appendf(nil, "startxref\n%s\n", previous[1])) {
		t.Errorf("/Prev: got %q, want the original's startxref", previous)
	}
}

func TestMailed(t *testing.T) {
	f := find(t, "received/notice.eml")
	m, err := mail.ReadMessage(bytes.NewReader(content(t, f)))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := r.NextPart()
		if err != nil {
			t.Fatalf("no attachment: %v", err)
		}
		if part.FileName() != "official-notice.txt" {
			continue
		}
		got, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
		if err != nil || !bytes.Equal(got, original(t, f)) {
			t.Errorf("the attachment is not the notice: %v", err)
		}
		return
	}
}

func TestConverted(t *testing.T) {
	f := find(t, "received/Архивная справка.txt")
	if got := bytes.ReplaceAll(content(t, f), []byte("\r\n"), []byte("\n")); !bytes.Equal(got, original(t, f)) {
		t.Error("more than line ends differs")
	}
}

func TestPhotograph(t *testing.T) {
	img, err := jpeg.Decode(bytes.NewReader(content(t, find(t, "received/IMG_20261005_101512.jpg"))))
	if err != nil {
		t.Fatal(err)
	}
	if s := img.Bounds().Size(); s.X != 480 || s.Y != 360 {
		t.Errorf("got %v, want 480 by 360", s)
	}
}
