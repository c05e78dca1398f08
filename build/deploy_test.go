package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stele/site/edge"
)

// deployWith parses a command line, and takes over the settings of the deployment that is there.
func deployWith(t *testing.T, args ...string) (*deployRun, error) {
	t.Helper()
	d := &deployRun{c: &cli{ctx: context.Background(), cmd: command{name: "deploy"}, args: args, stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, bar: &progress{}}}
	rest, err := d.parse()
	if err == nil {
		err = d.check(rest)
	}
	if err == nil {
		err = d.settings()
	}
	return d, err
}

// TestDeploySettings: deploying anew switches off nothing that no flag names, and tells what it has taken over.
func TestDeploySettings(t *testing.T) {
	dir := t.TempDir()
	reg, out := filepath.Join(dir, "reg"), filepath.Join(dir, "edge")
	if err := os.MkdirAll(out, 0o755); err != nil {
		t.Fatal(err)
	}
	was := &edge.Deployment{Format: edge.DeploymentFormat, URL: "https://registry.gov.example/", Witness: &edge.Witness{Logs: "quorum none\n"}, Links: true,
		Check: edge.Check{Every: 3600, Views: []string{"https://a.example/", "https://b.example/"}, Webhook: "https://ops.example/?key=1"}}
	if err := os.WriteFile(filepath.Join(out, edge.DeploymentFile), was.Marshal(), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flags   []string
		url     string
		every   time.Duration
		views   []string
		webhook string
		logs    string
		kept    string
	}{
		{nil, was.URL, time.Hour, was.Check.Views, was.Check.Webhook, was.Witness.Logs, "--url --every --views --views --webhook --witness"},
		{[]string{"--local", "--addr", "127.0.0.1:0"}, was.URL, time.Hour, was.Check.Views, was.Check.Webhook, was.Witness.Logs, "--url --every --views --views --webhook --witness"},
		{[]string{"--url", "https://other.example", "--every", "24h"}, "https://other.example/", 24 * time.Hour, was.Check.Views, was.Check.Webhook, was.Witness.Logs, "--views --views --webhook --witness"},
		{[]string{"--url", "", "--views", "", "--webhook", "", "--witness", ""}, "", time.Hour, []string{}, "", "", "--every"},
		{[]string{"--views", "https://c.example/"}, was.URL, time.Hour, []string{"https://c.example/"}, was.Check.Webhook, was.Witness.Logs, "--url --every --webhook --witness"},
		{[]string{"--free"}, was.URL, time.Hour, []string{}, "", "", "--url --every"},
	} {
		d, err := deployWith(t, append([]string{"--registry", reg, "-o", out}, c.flags...)...)
		if err != nil {
			t.Fatalf("%q: %v", c.flags, err)
		}
		var kept []string
		for _, k := range d.kept {
			kept = append(kept, strings.Fields(k)[0])
		}
		d.free = true // no token is made
		it, err := d.deployment()
		if err != nil {
			t.Fatalf("%q: %v", c.flags, err)
		}
		logs := ""
		if it.Witness != nil {
			logs = it.Witness.Logs
		}
		if it.URL != c.url || it.Check.Every != int64(c.every/time.Second) || !slices.Equal(it.Check.Views, c.views) || it.Check.Webhook != c.webhook || logs != c.logs || strings.Join(kept, " ") != c.kept {
			t.Errorf("%q: %+v, logs %q, kept %q; want %+v", c.flags, it, logs, kept, c)
		}
	}
	if err := os.WriteFile(filepath.Join(out, edge.DeploymentFile), []byte(`{"format": "stele.deployment/1", "later": 1}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := deployWith(t, "--registry", reg, "-o", out); err == nil || !strings.Contains(err.Error(), "would be lost") {
		t.Errorf("settings that cannot be read: %v", err)
	}
}

// TestDeployRefuses: what cannot be meant is refused before anything is made.
func TestDeployRefuses(t *testing.T) {
	dir := t.TempDir()
	reg := filepath.Join(dir, "country", "reg")
	for _, name := range []string{"keys", "public"} {
		if err := os.MkdirAll(filepath.Join(reg, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(reg, "trust"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(reg, link); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "logs")
	if err := os.WriteFile(empty, []byte("quorum none\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ says, flags string }{
		{"is a registry's folder", "-o " + reg},
		{"is a registry's folder", "-o " + link},
		{"lies in", "-o " + filepath.Join(dir, "country")},
		{"lies in", "-o " + dir},
		{"would be published", "-o " + filepath.Join(reg, "public", "edge")},
		{"would be published", "-o " + filepath.Join(link, "public")},
		{"is the registry's own", "-o " + filepath.Join(reg, "keys")},
		{"no folder for the deployment", "--free"},
		{"is no address", "-o edge --url registry.gov.example"},
		{"without ? and #", "-o edge --url https://registry.gov.example/?x=1"},
		{"without ? and #", "-o edge --views https://registry.gov.example/#x"},
		{"without user and password", "-o edge --views https://somebody:secret@registry.gov.example/"},
		{"without user and password", "-o edge --webhook https://somebody:secret@registry.gov.example/"},
		{"a minute at least", "-o edge --every 0s"},
		{"--free deploys files alone", "-o edge --free --webhook https://ops.example/"},
		{"cannot listen on nowhere", "-o edge --local --addr nowhere"},
		{"cannot listen on 127.0.0.1:99999", "-o edge --local --addr 127.0.0.1:99999"},
		{"it names no log", "-o edge --witness " + empty},
		{"--witness", "-o edge --witness " + filepath.Join(dir, "none")},
	} {
		_, err := deployWith(t, append([]string{"--registry", reg}, strings.Fields(c.flags)...)...)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", c.flags, err, c.says)
		}
	}
	if _, err := deployWith(t, "--registry", reg, "-o", filepath.Join(reg, "edge")); err != nil {
		t.Errorf("a new folder beside the registry's own: %v", err)
	}
}
