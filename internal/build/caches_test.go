package build

import (
	"maps"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/testkit"
)

func variable(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// What a runner of GitHub has, today and before its cache's second version, and a
// machine that is logged in to S3 and Azure.
var (
	runner = map[string]string{"ACTIONS_RUNTIME_TOKEN": "run", "ACTIONS_RESULTS_URL": "https://results.example/", "ACTIONS_CACHE_SERVICE_V2": "True"}
	older  = map[string]string{"ACTIONS_RUNTIME_TOKEN": "run", "ACTIONS_CACHE_URL": "https://cache.example/"}
	both   = map[string]string{"ACTIONS_RUNTIME_TOKEN": "run", "ACTIONS_CACHE_URL": "https://cache.example/", "ACTIONS_RESULTS_URL": "https://results.example/"}
	moved  = map[string]string{"ACTIONS_RUNTIME_TOKEN": "run", "ACTIONS_CACHE_URL": "https://cache.example/", "ACTIONS_RESULTS_URL": "https://results.example/", "ACTIONS_CACHE_SERVICE_V2": "1"}
	cloud  = map[string]string{"AWS_BUCKET": "b", "AWS_REGION": "r", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key",
		"BUILDKIT_AZURE_STORAGE_ACCOUNT_URL": "https://a.example"}
)

func TestParseCaches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flag, given string
		env         map[string]string
		kind        string
		attrs       map[string]string
	}{
		{"--cache-from", "registry.example/c", nil, "registry", map[string]string{"ref": "registry.example/c"}},
		{"--cache-to", "type=registry,ref=x,mode=max", nil, "registry", map[string]string{"ref": "x", "mode": "max", "compression": "zstd"}},
		{"--cache-to", "type=local,dest=x,compression=gzip", nil, "local", map[string]string{"dest": "x", "compression": "gzip"}},
		{"--cache-from", "type=local,src=x", nil, "local", map[string]string{"src": "x"}},
		{"--cache-to", "type=inline", nil, "inline", map[string]string{}},
		{"--cache-from", "type=gha", runner, "gha", map[string]string{"url_v2": "https://results.example/", "token": "run"}},
		{"--cache-from", "type=gha", older, "gha", map[string]string{"url": "https://cache.example/", "token": "run"}},
		{"--cache-from", "type=gha", both, "gha", map[string]string{"url": "https://cache.example/", "token": "run"}},
		{"--cache-from", "type=gha", moved, "gha", map[string]string{"url": "https://cache.example/", "url_v2": "https://results.example/", "token": "run"}},
		{"--cache-from", "type=gha,version=2", both, "gha", map[string]string{"version": "2", "url_v2": "https://results.example/", "token": "run"}},
		{"--cache-from", "type=gha,version=1", both, "gha", map[string]string{"version": "1", "url": "https://cache.example/", "token": "run"}},
		{"--cache-to", "type=gha,token=own,scope=s", runner, "gha", map[string]string{"url_v2": "https://results.example/", "token": "own", "scope": "s"}},
		{"--cache-to", "type=gha,token=own,url=https://own.example", runner, "gha", map[string]string{"url": "https://own.example", "token": "own"}},
		{"--cache-to", "type=s3", cloud, "s3", map[string]string{"bucket": "b", "region": "r", "access_key_id": "id", "secret_access_key": "key"}},
		{"--cache-to", "type=s3,bucket=x,access_key_id=mine", cloud, "s3", map[string]string{"bucket": "x", "region": "r", "access_key_id": "mine"}},
		{"--cache-to", "type=azblob", cloud, "azblob", map[string]string{"account_url": "https://a.example"}},
	} {
		got, err := ParseCaches(c.flag, []string{c.given}, variable(c.env))
		if err != nil || len(got) != 1 || got[0].Type != c.kind || !maps.Equal(got[0].Attrs, c.attrs) {
			t.Errorf("%s %s: %+v, %v; want %v", c.flag, c.given, got, err, c.attrs)
		}
	}
}

func TestParseCachesRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ flag, given, want string }{
		{"--cache-to", "type=floppy", `--cache-to: type "floppy" is unknown` + "\nhint: types are registry"},
		{"--cache-to", "type=s3", "--cache-to: type s3 needs bucket\nhint: add bucket=… or set AWS_BUCKET"},
		{"--cache-to", "type=s3,bucket=b", "--cache-to: type s3 needs region\nhint: add region=… or set AWS_REGION"},
		{"--cache-from", "type=azblob", "--cache-from: type azblob needs account_url\nhint: add account_url=… or set BUILDKIT_AZURE_STORAGE_ACCOUNT_URL"},
		{"--cache-from", "type=gha", "--cache-from: type gha needs token\nhint: add token=… or set ACTIONS_RUNTIME_TOKEN; run steps"},
		{"--cache-from", "type=gha,token=x", "--cache-from: type gha needs url_v2\nhint: add url_v2=… or set ACTIONS_RESULTS_URL"},
		{"--cache-to", "type=local,src=x", "--cache-to: type local needs dest\nhint: dest=PATH is the folder to write"},
		{"--cache-from", "type=local,dest=x", "--cache-from: type local needs src\nhint: src=PATH is the folder to read"},
		{"--cache-to", "type=registry", "--cache-to: type registry needs ref\nhint: ref=REFERENCE"},
		{"--cache-to", "ref=x,ignore-error=maybe", "--cache-to: ignore-error=maybe is neither true nor false"},
		{"--cache-to", "a,b", `"a" is not key=value`},
	} {
		_, err := ParseCaches(c.flag, []string{c.given}, variable(nil))
		testkit.WantText(t, err, c.want)
		if code := problem.ExitCode(err); code != 2 {
			t.Errorf("%s: exit code %d, want 2", c.given, code)
		}
	}
}
