package status

import (
	"bytes"
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"stele/proofs"
	"stele/site/edge/published"
	"stele/site/pages/parts"
)

// page is what the template gets.
type page struct {
	*words
	*Health
	frame  parts.Frame
	styles []style
	assets string // folder of the portal's assets, ending with a slash; "" if there are none
	home   string // folder of the reader's language
}

// A style is a style sheet of the publication in force.
type style struct{ href, integrity string }

// sheets are those that the page needs, in the order in which they are laid over one another.
var sheets = []string{"stele.css", "results.css", "evidence.css", "viewer.css", "modes.css"}

func (s *Status) page(ctx context.Context, t *words) page {
	p := page{words: t, Health: s.Health(ctx)}
	if t.Language != "en" {
		p.home = t.Language + "/"
	}
	pub := s.files(ctx, p.judged)
	p.assets = s.assets(ctx, pub)
	for _, name := range sheets {
		if pub.Set == nil || p.assets == "" {
			break
		}
		if f := pub.File(p.assets + name); f != nil {
			p.styles = append(p.styles, style{f.Name, "sha256-" + base64.StdEncoding.EncodeToString(f.SHA256[:])})
		}
	}
	p.frame = p.around(s.trust(p.judged), s.Now())
	return p
}

func (s *Status) trust(j *judged) *proofs.Trust {
	if j != nil {
		return j.trust
	}
	return s.Source.Trust
}

// files is the publication whose style sheets the page has: the one in force, or, where that cannot be read, the one that was deployed.
func (s *Status) files(ctx context.Context, j *judged) *published.Publication {
	if j != nil {
		return j.Publication
	}
	if p, err := s.Source.Current(ctx); err == nil {
		return p
	}
	return &published.Publication{Set: s.Source.Base}
}

// assets finds the folder of a publication's assets. Where older ones are still among its files, its first page says which it is.
func (s *Status) assets(ctx context.Context, p *published.Publication) string {
	if p.Set == nil {
		return ""
	}
	var folders []string
	for _, f := range p.Files {
		if folder, ok := strings.CutSuffix(f.Name, "stele.css"); ok && strings.HasPrefix(f.Name, "assets/") {
			folders = append(folders, folder)
		}
	}
	if len(folders) > 1 {
		b, err := s.Source.Read(ctx, p, "index.html")
		for _, folder := range folders {
			if err == nil && bytes.Contains(b, []byte(folder)) {
				return folder
			}
		}
	}
	if len(folders) == 0 {
		return ""
	}
	return folders[0]
}

// around is what stands around the page: the same as around the portal's own.
func (p page) around(t *proofs.Trust, now time.Time) parts.Frame {
	id, path := t.ID(), proofs.TrustPath(t.Epoch)
	f := parts.Frame{Say: p.say, Title: t.Title, Origin: t.Origin, Demo: t.Demo, Home: p.to("index.html"), Language: p.Language, Published: now, Print: id.String(),
		Trust: templ.SafeURL(path), TrustName: path[strings.LastIndexByte(path, '/')+1:], Checkpoint: "ledger/checkpoint", Offline: p.to("offline.html")}
	if p.assets != "" {
		f.Mark = p.assets + "stele.svg"
	}
	for _, n := range parts.Navigation {
		f.Links = append(f.Links, parts.Link{Key: n.Key, Href: p.to(n.File)})
	}
	all, _ := Languages() // embedded, and read before
	for _, l := range all {
		l.Href = templ.SafeURL("health?lang=" + l.Tag)
		f.Languages = append(f.Languages, l)
		if l.Tag == p.Language {
			f.Name = l.Name
		}
	}
	return f
}

// to leads to a page of the portal in the reader's language.
func (p page) to(file string) templ.SafeURL { return templ.SafeURL(p.home + file) }

// symbols are those of the states.
var symbols = map[string]string{OK: "authentic", Late: "stale", Stale: "stale", Wrong: "inconsistent", Unknown: "unavailable", Nothing: "working"}

// meaning is what the state means, in words.
func (p page) meaning() string {
	return p.fill("state."+p.Status+".text", "due", readable(p.NextDue), "asof", readable(p.AsOf), "verdict", p.say("verdict.stale"))
}

// stated are the faults that are states too, and have their wording.
var stated = map[string]string{CodeLate: "state." + Late, CodeStale: "state." + Stale, CodeOutage: "state." + Unknown}

// listed are the alarms besides that which the page says first.
func (p page) listed() []Told {
	return slices.DeleteFunc(slices.Clone(p.Alarms), func(a Told) bool { return stated[a.Code] == "state."+p.Status })
}

func (p page) alarmTitle(a Told) string { return p.say(alarmKey(a) + ".title") }

// alarmText isolates the address from a sentence that may run the other way.
func (p page) alarmText(a Told) string {
	return p.fill(alarmKey(a)+".text", "view", "\u2068"+a.View+"\u2069", "due", readable(p.NextDue), "asof", readable(p.AsOf), "verdict", p.say("verdict.stale"))
}

func alarmKey(a Told) string {
	if key, ok := stated[a.Code]; ok {
		return key
	}
	return "alarm." + a.Code
}

// proofHref leads to a proof: it lies here, whatever the portal's own address is.
func proofHref(a Told) templ.SafeURL {
	return templ.SafeURL(strings.TrimPrefix(a.Evidence[strings.LastIndex(a.Evidence, evidencePath):], "/"))
}

// timeOf parses what when has written.
func timeOf(stamp *string) time.Time {
	if stamp == nil {
		return time.Time{}
	}
	t, _ := time.Parse(time.RFC3339, *stamp)
	return t
}

// readable is a time in a sentence.
func readable(stamp *string) string {
	if stamp == nil {
		return "–"
	}
	return parts.PlainTime(timeOf(stamp))
}

// age is how old the newest evidence is.
func (p page) age() string { return p.lasted(p.judged.now - p.judged.heard()) }

func (p page) quorum(q Quorum) string {
	if q.Of == 0 {
		return p.say("ledger.none")
	}
	return p.fill("signed", "have", strconv.Itoa(q.Have), "of", strconv.Itoa(q.Of), "needed", strconv.Itoa(q.Needed))
}

func (p page) there() bool { return p.judged != nil && p.judged.Set != nil }

func number(n uint64) string { return strconv.FormatUint(n, 10) }

func met(m proofs.MemberReport) string { return strconv.FormatBool(m.Met) }

func metIcon(m proofs.MemberReport) string {
	if m.Met {
		return "passed"
	}
	return "absent"
}
