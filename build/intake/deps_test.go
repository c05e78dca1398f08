package intake

import (
	"os/exec"
	"strings"
	"testing"
)

// TestReleaseCarriesNoTestTools: what reads openapi.yaml is for the tests, and not in the command.
func TestReleaseCarriesNoTestTools(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "stele/build").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := string(out)
	if !strings.Contains(deps, "stele/build/intake\n") {
		t.Fatalf("got %d packages, without this one", strings.Count(deps, "\n"))
	}
	for _, tool := range []string{"github.com/getkin/", "github.com/oasdiff/", "testing\n"} {
		if strings.Contains("\n"+deps, "\n"+tool) {
			t.Errorf("the command carries %s", tool)
		}
	}
}
