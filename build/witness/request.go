package witness

import protocol "stele/site/edge/witness"

// The protocol's form, which both sides share, lies with the side that answers: an edge has it too, and nothing there rests on this package.
const (
	MaxRequest = protocol.MaxRequest
	typeSize   = protocol.TypeSize
	SameFor    = protocol.SameFor
)

// A Request is the body of add-checkpoint.
type Request = protocol.Request

// ParseRequest parses a request.
func ParseRequest(b []byte) (*Request, error) { return protocol.ParseRequest(b) }

// OriginPath is where a witness shows the newest checkpoint of a log, below its monitoring prefix.
func OriginPath(origin string) string { return protocol.OriginPath(origin) }

// cut shortens what somebody else has sent, for an error.
func cut(text string) string {
	const most = 80
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
