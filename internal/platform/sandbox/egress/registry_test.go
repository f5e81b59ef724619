package egress

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the clients answer is read in one place each; asking them is tested where they
// are used.
func TestRegistries(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		got  Registry
		want Registry
	}{
		"go": {
			goFrom("https://proxy.example,direct", "sum.example"),
			Registry{Client: "go", Hosts: []string{"proxy.example:443", "sum.example:443"}, Env: []string{"GOPROXY=https://proxy.example", "GOSUMDB=sum.example"}},
		},
		"go with two proxies and a key": {
			goFrom("https://a.example|https://b.example:8443/go", "sum.example+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8 https://c.example/sums"),
			Registry{
				Client: "go", Hosts: []string{"a.example:443", "b.example:8443", "c.example:443"},
				Env: []string{"GOPROXY=https://a.example,https://b.example:8443/go", "GOSUMDB=sum.example+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8 https://c.example/sums"},
			},
		},
		"go without a proxy": {
			goFrom("direct", "off"),
			Registry{Client: "go", Env: []string{"GOPROXY=off", "GOSUMDB=off"}},
		},
		"go with a password": {
			goFrom("https://me:secret@proxy.example", "off"),
			Registry{
				Client: "go", Env: []string{"GOPROXY=off", "GOSUMDB=off"},
				Note: "go is configured with a password in its address, and secrets never enter a cage",
			},
		},
		"npm": {
			npmFrom("https://registry.example/"),
			Registry{Client: "npm", Hosts: []string{"registry.example:443"}, Env: []string{"npm_config_registry=https://registry.example/", "npm_config_offline=false"}},
		},
		"npm in the clear": {
			npmFrom("http://localhost:4873/"),
			Registry{Client: "npm", Note: "npm is configured with localhost, and only https leaves a cage"},
		},
		"pip": {
			pipFrom("https://index.example/simple", "files.example"),
			Registry{
				Client: "pip", Hosts: []string{"index.example:443", "files.example:443"},
				Env: []string{"PIP_INDEX_URL=https://index.example/simple", "PIP_NO_INDEX=0"},
			},
		},
		"pip with nonsense": {
			pipFrom("::", ""),
			Registry{Client: "pip", Note: "pip is configured with an address that cannot be read"},
		},
	}
	for name, c := range cases {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
