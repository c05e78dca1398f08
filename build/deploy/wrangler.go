package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"stele/proofs"
	"stele/site/headers"
)

const (
	// Wrangler is the version of the tool that deployments are made for: the newest for Node 20.
	Wrangler = "4.86.0"
	// compatible is the day as of which the Worker's host behaves as it was tested.
	compatible = "2026-04-01"
	// schedule is when the edge looks at itself: every ten minutes, as cron says it.
	schedule = "*/10 * * * *"
	// mostRules is how many patterns say what the Worker answers before the static files do: Cloudflare's limit.
	mostRules = 100
	// mostName is the longest name that a Worker and a bucket may both have.
	mostName = 54
)

// WorkerName names a registry's Worker and its bucket.
func WorkerName(origin string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, "stele-"+origin)
	return strings.Trim(name[:min(len(name), mostName)], "-")
}

type settings struct {
	Schema        string   `json:"$schema"`
	Name          string   `json:"name"`
	Main          string   `json:"main"`
	Compatibility string   `json:"compatibility_date"`
	Metrics       bool     `json:"send_metrics"`
	Assets        assets   `json:"assets"`
	Buckets       []bucket `json:"r2_buckets,omitempty"`
	Triggers      triggers `json:"triggers,omitzero"`
	Rules         []module `json:"rules"`
	Observability struct {
		Enabled bool `json:"enabled"`
		Logs    struct {
			Enabled     bool `json:"enabled"`
			Invocations bool `json:"invocation_logs"`
		} `json:"logs"`
	} `json:"observability"`
}

type assets struct {
	Directory   string   `json:"directory"`
	Binding     string   `json:"binding"`
	HTML        string   `json:"html_handling"`
	NotFound    string   `json:"not_found_handling"`
	WorkerFirst []string `json:"run_worker_first,omitempty"`
}

type bucket struct {
	Binding string `json:"binding"`
	Name    string `json:"bucket_name"`
}

type triggers struct {
	Crons []string `json:"crons"`
}

type module struct {
	Type        string   `json:"type"`
	Globs       []string `json:"globs"`
	Fallthrough bool     `json:"fallthrough"`
}

// wranglerSettings is wrangler.jsonc. It names neither an account nor an address: who deploys is asked for both.
func (p *Plan) wranglerSettings(name string, base *proofs.Set) ([]byte, error) {
	first, err := workerFirst(base)
	if err != nil {
		return nil, err
	}
	s := settings{Schema: "node_modules/wrangler/config-schema.json", Name: name, Main: "worker/worker.mjs", Compatibility: compatible,
		Assets:   assets{"assets", "ASSETS", "none", "none", first},
		Buckets:  []bucket{{"STORE", name}},
		Triggers: triggers{[]string{schedule}},
		Rules: []module{{"Text", []string{"**/base", "**/trust", "**/deployment.json"}, true},
			{"CompiledWasm", []string{"**/*.wasm"}, true}}}
	if p.Free { // what is deployed is what is in force: the files' host answers it alone
		s.Assets.WorkerFirst, s.Buckets, s.Triggers = nil, nil, triggers{}
	}
	// What the Worker logs is kept for a while, and can be looked at; but not who has asked for what: an address may be a receipt's short one.
	s.Observability.Enabled, s.Observability.Logs.Enabled = true, true
	b, err := marshal(s)
	if err != nil {
		return nil, err
	}
	return append([]byte("// Made by stele deploy. It is made anew with every deployment: what is changed here by hand does not last.\n"), b...), nil
}

// workerFirst are patterns for all that is deployed and can change: the publication in force may have another file under that name. What never
// changes under its name is answered by the assets' host alone, and what was not deployed by the Worker in any case. Patterns that take something away again
// do not serve: what they name would never come to the Worker, also where it was published since.
func workerFirst(base *proofs.Set) ([]string, error) {
	patterns := []string{"/publish/*", "/witness/*", "/r/*", "/health/*", "/health.json"}
	if base == nil {
		return patterns, nil
	}
	for _, f := range base.Files {
		first, rest, below := strings.Cut(f.Name, "/")
		pattern := "/" + f.Name
		switch {
		case headers.Lasts(f.Name):
			continue
		case below && first != "ledger" && !headers.Lasts(first+"/"+rest):
			pattern = "/" + first + "/*"
		}
		if !slices.Contains(patterns, pattern) {
			patterns = append(patterns, pattern)
		}
	}
	if len(patterns) > mostRules {
		return nil, fmt.Errorf("the files at the portal's root need %d patterns in wrangler.jsonc, and the host takes %d", len(patterns), mostRules)
	}
	return patterns, nil
}

// packageJSON pins the tool.
func packageJSON(name string) []byte {
	b, err := marshal(struct {
		Name    string            `json:"name"`
		Private bool              `json:"private"`
		Type    string            `json:"type"`
		Scripts map[string]string `json:"scripts"`
		Dev     map[string]string `json:"devDependencies"`
	}{name, true, "module", map[string]string{"deploy": "wrangler deploy"}, map[string]string{"wrangler": Wrangler}})
	if err != nil {
		panic(err) // strings
	}
	return b
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "\t")
	err := e.Encode(v)
	return b.Bytes(), err
}
