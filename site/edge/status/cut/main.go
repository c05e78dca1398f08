// Command cut writes the wording of an edge's page, as site/text has it, into the folder words of the folder that it is run in: go generate runs it.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"stele/site/pages/parts"
	"stele/site/text"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	files, err := files()
	for name, b := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join("words", name), b, 0o644)
		}
	}
	return err
}

// files are those in the folder, by name. Languages that do not all say the same are an error.
func files() (map[string][]byte, error) {
	texts, err := text.Languages()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	var all []parts.Language
	for _, t := range texts {
		all = append(all, parts.Language{Tag: t.Language, Name: t.Name, Direction: t.Direction})
		files[t.Language+".json"] = t.ForHealth()
	}
	b, err := json.MarshalIndent(all, "", "\t")
	files["languages.json"] = append(b, '\n')
	return files, err
}
