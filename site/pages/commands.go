package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
)

// systems have tools that print the fingerprint of a file, and the one that its receipt speaks of, with no program of
// ours: a statement is plain lines inside the base64 of a receipt.
var systems = []struct{ key, lines string }{
	{"sum.linux", `sha256sum FILE
sed -n 's/^extra //p' FILE.tlog-proof | base64 -d | grep -a '^document sha256:'`},
	{"sum.mac", `shasum -a 256 FILE
sed -n 's/^extra //p' FILE.tlog-proof | base64 -D | grep -a '^document sha256:'`},
	{"sum.windows", `certutil -hashfile FILE SHA256
$r = (Get-Content FILE.tlog-proof) -match '^extra ' -replace '^extra '
[Text.Encoding]::ASCII.GetString([Convert]::FromBase64String($r)) -split '\n' -match '^document sha256:'`},
}

const verifyCommands = `stele verify FILE --portal ADDRESS
stele verify FILE --portal ADDRESS --json
stele verify FILE --receipt FILE.tlog-proof --policy TRUST`

const auditCommand = `stele audit --portal ADDRESS --policy TRUST`

// reportExample shows the fields that a script is most likely to read.
const reportExample = `{
  "verdict": "authentic",
  "reason": "",
  "registry": "registry.gov.example/ledger",
  "demo": false,
  "issuer": "education.gov.example",
  "kind": "diploma",
  "issued": "2026-11-22",
  "expires": null,
  "registered": "2026-11-22T14:03:00Z",
  "as_of": "2026-11-23T08:00:00Z",
  …
}`

// published lists what a registry publishes (FORMAT.md, section 15).
var published = []struct{ path, key string }{
	{"ledger/checkpoint", "developers.fCheckpoint"},
	{"ledger/head", "developers.fHead"},
	{"ledger/history/SIZE/HASH", "developers.fHistory"},
	{"ledger/statistics", "developers.fStatistics"},
	{"ledger/tile/…", "developers.fTile"},
	{"index/AB/HASH", "developers.fIndex"},
	{"trust/EPOCH", "developers.fTrust"},
	{"trust/EPOCH.tlog-proof", "developers.fHandover"},
	{"policy", "developers.fPolicy"},
	{"issuers.json", "developers.fIssuers"},
}

// Integrity is a value for the integrity attribute: W3C Subresource Integrity,
// section 3.1.
func Integrity(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func (h Publication) path() string {
	return "ledger/history/" + strconv.FormatUint(h.Size, 10) + "/" + h.Hash
}
