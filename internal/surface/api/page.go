package api

import (
	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
)

// page is a list, or one page of it.
type page[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next" doc:"Send this as cursor to get what follows; null on the last page"`
}

// pageOut is a page as an answer.
type pageOut[T any] struct{ Body page[T] }

// listed makes a page of a product's list. An empty next is the last page.
func listed[From, To any](all []From, next string, shape func(From) To) *pageOut[To] {
	p := page[To]{Items: make([]To, 0, len(all))}
	for _, one := range all {
		p.Items = append(p.Items, shape(one))
	}
	if next != "" {
		p.Next = &next
	}
	return &pageOut[To]{Body: p}
}

// parse reads an id. One that is malformed or of another kind does not exist.
func parse[T id.Kind](s string) (T, error) {
	got, err := id.Parse[T](s)
	if err != nil {
		return "", fault.New(fault.NotFound, "", "There is nothing here, or it is not yours to see.").Because(err)
	}
	return got, nil
}
