package osparc

import (
	"maps"
	"testing"
	"time"
)

func TestWith(t *testing.T) {
	t.Parallel()
	s := Service{Labels: map[string]string{"io.simcore.name": `{"name":"a"}`}}
	for _, tt := range []struct {
		origin Origin
		want   map[string]string
	}{
		{Origin{Built: time.Unix(1756648800, 0).In(time.FixedZone("", 7200)), Commit: "0123", Address: "https://me:word@example.org/a.git"}, map[string]string{
			"org.label-schema.build-date": "2025-08-31T14:00:00+0000", "org.label-schema.vcs-ref": "0123", "org.label-schema.vcs-url": "https://example.org/a.git"}},
		{Origin{Built: time.Unix(0, 0), Address: "git@example.org:a.git"}, map[string]string{
			"org.label-schema.build-date": "1970-01-01T00:00:00+0000", "org.label-schema.vcs-ref": "", "org.label-schema.vcs-url": "git@example.org:a.git"}},
	} {
		tt.want["io.simcore.name"] = `{"name":"a"}`
		tt.want["org.label-schema.schema-version"] = "1.0"
		if got := s.With(tt.origin); !maps.Equal(got, tt.want) {
			t.Errorf("got  %v\nwant %v", got, tt.want)
		}
	}
	if len(s.Labels) != 1 {
		t.Error("the service itself was changed")
	}
}

func TestCheckDate(t *testing.T) {
	t.Parallel()
	for date, refused := range map[string]bool{
		"1970-01-01T00:00:00+0000": true, "2020-08-18T23:59:59+0000": true, "2020-08-19T00:00:00+0000": false, "today": false,
	} {
		if err := CheckDate(map[string]string{buildDate: date}); (err != nil) != refused {
			t.Errorf("%s: %v", date, err)
		}
	}
}
