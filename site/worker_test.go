package site

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"

	"stele/site/headers"
	"stele/site/pages"
)

// shellOf reads the list at the beginning of the service worker's script.
func shellOf(t *testing.T, files map[string][]byte) shell {
	t.Helper()
	first, _, _ := strings.Cut(string(files[worker]), "\n")
	list, ok := strings.CutPrefix(first, "const shell = ")
	if !ok {
		t.Fatalf("%s begins with %.40q", worker, first)
	}
	var sh shell
	if err := json.Unmarshal([]byte(list), &sh); err != nil {
		t.Fatal(err)
	}
	return sh
}

// TestManifest: in each language, what it names is there.
func TestManifest(t *testing.T) {
	texts := languagesShown(t)
	files := renderedIn(t, texts)
	for _, l := range texts {
		home := pages.Home(l)
		var m manifest
		if err := json.Unmarshal(files[home+manifestName], &m); err != nil {
			t.Fatalf("%s: %v", l.Language, err)
		}
		if m.Language != l.Language || m.Direction != l.Direction || m.Display != "standalone" || m.Name == "" || m.ShortName == "" {
			t.Errorf("%s: %+v", l.Language, m)
		}
		addresses := []string{m.Start}
		for _, i := range m.Icons {
			addresses = append(addresses, i.Source)
		}
		for _, s := range m.Shortcuts {
			addresses = append(addresses, s.URL)
		}
		for _, h := range m.FileHandlers {
			addresses = append(addresses, h.Action)
		}
		for _, a := range addresses {
			if files[path.Join(home, a)] == nil {
				t.Errorf("%s: %q leads nowhere", l.Language, a)
			}
		}
		if got := path.Join(home, m.ShareTarget.Action); got != share || m.ShareTarget.Method != "POST" || len(m.ShareTarget.Request.Files) != 1 {
			t.Errorf("%s: shared files go to %q, want %q", l.Language, got, share)
		}
		if got := path.Join("/", home, m.Scope); got != "/" {
			t.Errorf("%s: the scope is %q, want the portal's root", l.Language, got)
		}
		if !strings.Contains(string(files[home+Index]), `data-manifest="`+manifestName+`"`) {
			t.Errorf("%s: the page does not name its manifest", l.Language)
		}
	}
}

// TestSharedWithTheServer: files that reach a server, since the device has no service worker, are not read, and the reader is told.
func TestSharedWithTheServer(t *testing.T) {
	body := &unread{t: t}
	w := httptest.NewRecorder()
	Handler(t.TempDir()).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/share", body))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/index.html?arrived=lost" {
		t.Errorf("got %d to %q, want 303 to the page that says so", w.Code, w.Header().Get("Location"))
	}
}

type unread struct{ t *testing.T }

func (u *unread) Read([]byte) (int, error) {
	u.t.Error("what was shared is read")
	return 0, http.ErrBodyNotAllowed
}

// TestWorkerHeaders: the service worker's script is asked for anew each time, and bound by the pages' policy.
func TestWorkerHeaders(t *testing.T) {
	for name, want := range map[string]string{worker: "text/javascript; charset=utf-8", "ar/" + manifestName: "application/manifest+json", Single: "text/html; charset=utf-8"} {
		if kind, cache := headers.Of(name); kind != want || cache != "no-cache" {
			t.Errorf("%s: %q, %q; want %q, no-cache", name, kind, cache, want)
		}
	}
}
