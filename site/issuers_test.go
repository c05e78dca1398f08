package site

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestIssuersFile(t *testing.T) {
	type issuer struct {
		Name, Title string
		Kinds       []string
		Withdrawn   bool
	}
	var got struct {
		Registry string
		Issuers  []issuer
	}
	if err := json.Unmarshal(rendered(t)[IssuersFile], &got); err != nil {
		t.Fatal(err)
	}
	want := []issuer{
		{"education.example", "Ministry of Education", []string{"diploma", "transcript"}, false},
		{"old.example", "وزارة", []string{"*"}, true},
	}
	if got.Registry != "registry.example/ledger" || !reflect.DeepEqual(got.Issuers, want) {
		t.Errorf("got %+v, want the registry and %+v", got, want)
	}
}

// A registry without issuers names nobody, in a list that scripts can read all the same.
func TestIssuersFileOfNobody(t *testing.T) {
	s := sample()
	s.Issuers = nil
	files, err := Render(s)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(files[IssuersFile]), "{\n\t\"registry\": \"registry.example/ledger\",\n\t\"issuers\": []\n}\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
