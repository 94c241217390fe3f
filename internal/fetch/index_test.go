package fetch

import (
	"strings"
	"testing"
)

// The words are those of uv 0.13.9 and pip 25, for the same faults of a server.
func TestIndex(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		log, reason, hint string
		transient         bool
	}{
		{"error: No solution found when resolving dependencies\n  cause: Because tool was not found in the package registry", "fetch https://i.example/simple", "has this version", false},
		{"error: No solution found\nhint: x\nerror: No solution found when resolving\nhint: An index URL (https://me:pw@x.example/simple) could not be queried due to a lack of valid authentication credentials (401 Unauthorized)",
			"fetch https://me:xxxxx@x.example/simple", "requires a login", false},
		{"error: Request failed after 3 retries in 7.1s\n  cause: Failed to fetch: http://x/simple/tool/\n  cause: HTTP status client error (429 Too Many Requests) for url (http://x/simple/tool/)", "fetch http://x/simple/tool/", "limits the rate", true},
		{"error: Request failed after 3 retries in 7.1s\n  cause: Failed to fetch: http://x/simple/tool/\n  cause: Connection reset by peer (os error 104)", "fetch http://x/simple/tool/", "has a problem", true},
		{"error: Failed to download `tool==1.0`\n  cause: Failed to fetch: http://x/tool.whl\n  cause: tcp connect error\n  cause: Connection refused (os error 111)", "fetch http://x/tool.whl", "nothing listens", true},
		{"error: Failed to download `tool==1.0`\n  cause: Failed to write to the distribution cache\n  cause: end of file before message length reached", "fetch https://i.example/simple", "has a problem", true},
		{"error: Failed to download `tool==1.0`\n  cause: Failed to extract archive: tool-1.0.whl\n  cause: Invalid zip file structure", "fetch https://i.example/simple", "is not a package", false},
		{"error: Missing `Content-Type` header for `http://x/simple/tool/?again`", "fetch http://x/simple/tool/?again", "redirects in a loop", false},
		{"error: Failed to download `tool==1.0`\n  cause: Hash mismatch for `tool==1.0`", "fetch https://i.example/simple", "its hash in the requirements", false},
		{"ERROR: No matching distribution found for uv==0.13.9", "fetch https://i.example/simple", "has this version", false},
	} {
		f, yes := Index(c.log, "https://i.example/simple")
		if !yes || !strings.HasPrefix(f.Reason, c.reason) || f.Transient != c.transient || !strings.Contains(f.Hints[0], c.hint) {
			t.Errorf("%q is %+v, %v", c.log, f, yes)
		}
	}
	if _, yes := Index("gcc: error: no input files", ""); yes {
		t.Error("a compiler's error is an index's")
	}
	if !AsksIndex([]string{"sh", "-c", "$uv pip install --quiet"}) || AsksIndex([]string{"sh", "-c", "apt-get install python3-pip"}) {
		t.Error("which commands ask the index is read wrong")
	}
}
