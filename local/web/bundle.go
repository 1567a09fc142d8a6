package web

import (
	"embed"
	"errors"
	"fmt"
	"maps"
	"path"
	"sync"

	"github.com/evanw/esbuild/pkg/api"
)

//go:embed page
var sources embed.FS

// A bundle is the files that browsers load, by their names.
type bundle struct {
	page  map[string][]byte // of the page, by name with a hash of the content
	embed map[string][]byte // of the element
}

// bundled bundles the sources, once in a process. That takes a quarter of a second of one
// core.
var bundled = sync.OnceValues(func() (bundle, error) {
	var b bundle
	var errs [4]error
	var styles, ask map[string][]byte
	b.page, errs[0] = buildModule("[name]-[hash]", "main.js")
	styles, errs[1] = buildStyles("[name]-[hash]", "page.css")
	b.embed, errs[2] = buildModule("[name]", "v1.js")
	ask, errs[3] = buildModule("[name]-[hash]", "ask.js")
	maps.Copy(b.page, styles)
	maps.Copy(b.page, ask)
	return b, errors.Join(errs[:]...)
})

// buildModule returns a module bundled with its imports. Modules that are loaded on demand
// become files of their own, whose names have a hash of the content.
func buildModule(names, entry string) (map[string][]byte, error) {
	o := options(names, entry)
	o.Format, o.Splitting = api.FormatESModule, true
	o.Plugins = []api.Plugin{reading(map[string]api.Loader{".js": api.LoaderJS, ".html": api.LoaderText, ".css": api.LoaderText})}
	return run(o)
}

// buildStyles returns a stylesheet bundled with its imports and pictures.
func buildStyles(names, entry string) (map[string][]byte, error) {
	o := options(names, entry)
	o.Plugins = []api.Plugin{reading(map[string]api.Loader{".css": api.LoaderCSS, ".svg": api.LoaderDataURL})}
	return run(o)
}

func options(names, entry string) api.BuildOptions {
	return api.BuildOptions{
		EntryPoints: []string{entry}, EntryNames: names, ChunkNames: "[name]-[hash]", Outdir: "/",
		Bundle: true, MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
		Target: api.ESNext, Charset: api.CharsetUTF8, LegalComments: api.LegalCommentsNone, LogLevel: api.LogLevelSilent,
	}
}

func run(o api.BuildOptions) (map[string][]byte, error) {
	result := api.Build(o)
	var errs []error
	for _, message := range result.Errors {
		errs = append(errs, errors.New(describe(message)))
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("web: the page cannot be bundled: %w", errors.Join(errs...))
	}
	files := map[string][]byte{}
	for _, file := range result.OutputFiles {
		files[path.Base(file.Path)] = file.Contents
	}
	return files, nil
}

func describe(m api.Message) string {
	if m.Location == nil {
		return m.Text
	}
	return fmt.Sprintf("%s:%d: %s", m.Location.File, m.Location.Line, m.Text)
}

// reading makes esbuild read the embedded sources, with a loader for each extension. A
// stylesheet that is loaded as text is bundled first.
func reading(loaders map[string]api.Loader) api.Plugin {
	return api.Plugin{Name: "sources", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: `^data:`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			return api.OnResolveResult{Path: a.Path, External: true}, nil
		})
		b.OnResolve(api.OnResolveOptions{Filter: `.`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			folder := "page"
			if a.Importer != "" {
				folder = path.Dir(a.Importer)
			}
			return api.OnResolveResult{Path: path.Join(folder, a.Path), Namespace: "page"}, nil
		})
		b.OnLoad(api.OnLoadOptions{Filter: `.`, Namespace: "page"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			loader, known := loaders[path.Ext(a.Path)]
			if !known {
				return api.OnLoadResult{}, fmt.Errorf("%s is of no kind that is bundled here", a.Path)
			}
			body, err := sources.ReadFile(a.Path)
			if path.Ext(a.Path) == ".css" && loader == api.LoaderText && err == nil {
				body, err = stylesheet(path.Base(a.Path))
			}
			text := string(body)
			return api.OnLoadResult{Contents: &text, Loader: loader}, err
		})
	}}
}

// stylesheet returns a stylesheet bundled into one file.
func stylesheet(name string) ([]byte, error) {
	files, err := buildStyles("[name]", name)
	return files[name], err
}
