package site

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/llb"
)

// Steps without the network are told the number of jobs and nothing else.
func TestSiteJobs(t *testing.T) {
	t.Parallel()
	site := Site{Home: t.TempDir(), Jobs: 3, Getenv: func(k string) string {
		return map[string]string{"PIP_INDEX_URL": "https://me:secret@index.example/simple", "https_proxy": "http://me:secret@proxy.example"}[k]
	}}
	secrets, err := site.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(secrets[llb.SiteID(llb.SiteJobs)]), "export MEDBUILD_JOBS='3'\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	site.Jobs = 0
	if secrets, err = site.Secrets(); err != nil || secrets[llb.SiteID(llb.SiteJobs)] != nil {
		t.Errorf("without a number of jobs there is %q, %v", secrets[llb.SiteID(llb.SiteJobs)], err)
	}
}

// The site file's indexes reach the steps, unless the environment names some.
func TestSiteIndexes(t *testing.T) {
	t.Parallel()
	env := map[string]string{}
	site := Site{Getenv: func(k string) string { return env[k] }, Home: t.TempDir(),
		Index: []string{"https://one.example/simple", "https://two.example/simple", "https://three.example/simple"}}
	exports := func() string {
		t.Helper()
		secrets, err := site.Secrets()
		if err != nil {
			t.Fatal(err)
		}
		return string(secrets[llb.SiteID(llb.SiteEnv)])
	}
	got := exports()
	for _, want := range []string{"export UV_DEFAULT_INDEX='https://one.example/simple'\n", "export PIP_INDEX_URL='https://one.example/simple'\n",
		"export UV_INDEX='https://two.example/simple https://three.example/simple'\n", "export PIP_EXTRA_INDEX_URL='https://two.example/simple https://three.example/simple'\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	env["UV_INDEX_URL"] = "https://mine.example"
	if got := exports(); strings.Contains(got, "one.example") || !strings.Contains(got, "mine.example") {
		t.Errorf("the environment's word does not count: %s", got)
	}
	env, site.Index = map[string]string{}, nil
	if got := exports(); strings.Contains(got, "INDEX") {
		t.Errorf("a site without an index has %q", got)
	}
}
