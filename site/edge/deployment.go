package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"stele/proofs"
	"stele/site/edge/status"
	"stele/site/edge/witness"
)

// DeploymentFormat is the first member of deployment.json.
const DeploymentFormat = "stele.deployment/1"

// Names in the folder of a deployment.
const (
	DeploymentFile = "deployment.json"
	TrustFile      = "trust"
	BaseFile       = "base" // the text of the base's set; empty where none of what is published was deployed
	AssetsFolder   = "assets"
)

// A Deployment says what an edge does: deployment.json, as stele deploy writes it. It holds no secret.
type Deployment struct {
	Format  string   `json:"format"`
	URL     string   `json:"url"`     // where readers find the portal, with a slash at the end; "" where that is not known yet
	Gate    *Gate    `json:"gate"`    // null: nothing can be published to it
	Witness *Witness `json:"witness"` // null: it cosigns for nobody
	Links   bool     `json:"links"`   // whether receipts are given short addresses
	Check   Check    `json:"check"`
}

// A Gate says who may offer publications, and how much is done in one request.
type Gate struct {
	TokenSHA256 string `json:"token_sha256"` // of the token's 64 ASCII characters, in hexadecimal
	Chunk       int    `json:"chunk"`        // objects that are verified and put in place in one request; each takes four subrequests at most
}

// A Witness says whose ledgers are cosigned. Its private keys are no part of a deployment.
type Witness struct {
	Logs string `json:"logs"` // lines "log VKEY" and "quorum none": c2sp.org/tlog-policy
}

// A Check says what is looked at on a schedule.
type Check struct {
	Every   int64    `json:"every"`   // seconds within which something has to be published
	Views   []string `json:"views"`   // addresses of mirrors and witnesses, to compare with
	Webhook string   `json:"webhook"` // who is told what is wrong; "" for nobody
}

const maxDeployment = 1 << 20 // bytes

// ParseDeployment parses deployment.json. What it does not know is an error: it would not be done.
func ParseDeployment(b []byte) (*Deployment, error) {
	d := &Deployment{}
	if len(b) > maxDeployment {
		return nil, fmt.Errorf("%s: %d bytes, want at most %d", DeploymentFile, len(b), maxDeployment)
	}
	j := json.NewDecoder(bytes.NewReader(b))
	j.DisallowUnknownFields()
	err := j.Decode(d)
	if _, more := j.Token(); err == nil && more != io.EOF {
		err = errors.New("something follows the JSON value")
	}
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", DeploymentFile, err)
	}
	return d, nil
}

// MostChunk is the most objects that one request may put in place: four subrequests each, and some forty more, stay below 1,000, a Worker's limit for a request.
const MostChunk = 230

func (d *Deployment) check() error {
	if d.Format != DeploymentFormat {
		return fmt.Errorf("format is %q, want %q; a newer stele may have made it", d.Format, DeploymentFormat)
	}
	if d.URL != "" {
		if err := checkURL("url", d.URL); err != nil {
			return err
		}
		if !strings.HasSuffix(d.URL, "/") {
			return fmt.Errorf("url is %q, want a slash at the end", d.URL)
		}
	}
	if g := d.Gate; g != nil {
		if _, err := proofs.ParseHash(g.TokenSHA256); err != nil {
			return fmt.Errorf("gate.token_sha256: %w", err)
		}
		if g.Chunk < 1 || g.Chunk > MostChunk {
			return fmt.Errorf("gate.chunk is %d, want 1 to %d", g.Chunk, MostChunk)
		}
	}
	if w := d.Witness; w != nil {
		if _, err := witness.ParseLogs([]byte(w.Logs)); err != nil {
			return fmt.Errorf("witness.logs: %w", err)
		}
	}
	return d.Check.check()
}

func (c *Check) check() error {
	if c.Every < 1 {
		return fmt.Errorf("check.every is %d seconds, want 1 at least", c.Every)
	}
	if len(c.Views) > status.MostViews {
		return fmt.Errorf("check.views has %d addresses, want at most %d", len(c.Views), status.MostViews)
	}
	for i, v := range c.Views {
		if err := checkURL(fmt.Sprintf("check.views[%d]", i), v); err != nil {
			return err
		}
	}
	if c.Webhook == "" {
		return nil
	}
	return checkURL("check.webhook", c.Webhook)
}

func checkURL(what, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" && what == "url" || u.Fragment != "" {
		return fmt.Errorf("%s is %q, want an address such as https://registry.gov.example/", what, text)
	}
	return nil
}

// Due is the time within which something has to be published.
func (c *Check) Due() time.Duration { return time.Duration(c.Every) * time.Second }

// Marshal writes deployment.json.
func (d *Deployment) Marshal() []byte {
	b, err := json.MarshalIndent(d, "", "\t")
	if err != nil {
		panic(err) // strings, numbers and booleans
	}
	return append(b, '\n')
}
