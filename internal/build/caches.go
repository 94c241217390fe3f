package build

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/medbuild/medbuild/internal/problem"

	"github.com/medbuild/medbuild/internal/fields"

	"github.com/moby/buildkit/client"
)

// ParseCaches reads "type=registry,ref=registry.example.org/cache,mode=max"; a
// lone reference is a registry's. What is not stated of the caches of GitHub, S3
// and Azure is taken from the environment. flag is --cache-from or --cache-to.
// Errors are of the class Usage.
func ParseCaches(flag string, values []string, getenv func(string) string) ([]client.CacheOptionsEntry, error) {
	var out []client.CacheOptionsEntry
	for _, v := range values {
		e, err := parseCache(flag, v, getenv)
		if err != nil {
			return nil, problem.As(problem.Usage, err)
		}
		out = append(out, e)
	}
	return out, nil
}

func parseCache(flag, value string, getenv func(string) string) (client.CacheOptionsEntry, error) {
	attrs, err := fields.Parse(flag, value, "ref")
	if err != nil {
		return client.CacheOptionsEntry{}, err
	}
	e := client.CacheOptionsEntry{Type: cmp.Or(attrs["type"], "registry"), Attrs: attrs}
	delete(attrs, "type")
	fromEnvironment(e, getenv)
	if flag == cacheTo && (e.Type == "registry" || e.Type == "local") {
		fill(attrs, "compression", "zstd") // as the image has: one blob serves both
	}
	return e, checkCache(flag, e)
}

// cacheTo is the flag of caches that are written.
const cacheTo = "--cache-to"

func checkCache(flag string, e client.CacheOptionsEntry) error {
	needs, known := cacheNeeds(flag)[e.Type]
	if !known {
		return problem.Usagef("%s: type %q is unknown", flag, e.Type).Hint("types are registry, local, inline, gha, s3 and azblob")
	}
	if ignore := e.Attrs["ignore-error"]; ignore != "" {
		if _, err := strconv.ParseBool(ignore); err != nil {
			return problem.Usagef("%s: ignore-error=%s is neither true nor false", flag, ignore)
		}
	}
	for _, n := range needs {
		if !slices.ContainsFunc(n.attrs, func(attr string) bool { return e.Attrs[attr] != "" }) {
			return problem.Usagef("%s: type %s needs %s", flag, e.Type, n.attrs[0]).Hint("%s", n.hint)
		}
	}
	return nil
}

// need is an attribute that a cache cannot do without, or others in its place.
type need struct {
	attrs []string
	hint  string
}

// cacheNeeds is what each type of cache cannot do without.
func cacheNeeds(flag string) map[string][]need {
	folder := need{[]string{"src"}, "src=PATH is the folder to read"}
	if flag == cacheTo {
		folder = need{[]string{"dest"}, "dest=PATH is the folder to write"}
	}
	return map[string][]need{
		"registry": {{[]string{"ref"}, "ref=REFERENCE names it, such as registry.example.org/medproc:cache"}},
		"local":    {folder},
		"inline":   nil,
		"gha":      {{[]string{"token"}, hidden("token", "ACTIONS_RUNTIME_TOKEN")}, {[]string{"url_v2", "url"}, hidden("url_v2", "ACTIONS_RESULTS_URL")}},
		"s3":       {{[]string{"bucket"}, stated("bucket", "AWS_BUCKET")}, {[]string{"region"}, stated("region", "AWS_REGION")}},
		"azblob":   {{[]string{"account_url"}, stated("account_url", "BUILDKIT_AZURE_STORAGE_ACCOUNT_URL")}},
	}
}

func stated(attr, variable string) string { return "add " + attr + "=… or set " + variable }

// hidden is the hint about a variable that GitHub's runners set for actions alone.
func hidden(attr, variable string) string {
	return stated(attr, variable) + "; run steps of a workflow do not get it unless an action before them exports it"
}
