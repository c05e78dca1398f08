package pages

import "github.com/a-h/templ"

// viewerData tells the scripts of a page that looks into the ledger what to load, and what it has to be.
func viewerData(p Page) templ.Attributes {
	words := "text/" + p.Text.Language + "-viewer.json"
	return templ.Attributes{
		"data-viewer":          true,
		"data-trust":           p.Root + p.trustPath(),
		"data-trust-print":     p.TrustPrint,
		"data-trust-earlier":   p.earlierPrints(),
		"data-trust-integrity": Integrity(p.TrustFile),
		"data-wasm":            p.URL("viewer.wasm"),
		"data-wasm-integrity":  p.Assets.SRI("viewer.wasm"),
		"data-text":            p.URL(words),
		"data-text-integrity":  p.Assets.SRI(words),
	}
}
