// Package edge is what of a portal is not a file: the gate for publications, a witness for other registries, short addresses of receipts, and how fresh
// everything is. The same handler answers in a Worker (package worker) and natively (stele serve --edge).
//
//	                reader ──────────────▶ static files of the deployment ─┐ what is not there
//	                                                                       ▼
//	                reader ──────────────▶ front: the publication in force, out of the store (worker/front.mjs; natively package front)
//	stele publish --to ──────────────────▶ /publish/…   package gate
//	other registries' publishers ────────▶ /witness/…   package witness
//	reader who wants a short address ────▶ /r/…         package links
//	monitors, people ────────────────────▶ /health, /health.json   package status
//
// Below all of them lies a store (package store); what is served is read through package published.
package edge
