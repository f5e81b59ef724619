package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
)

// maxPicture is the largest picture as it is sent, maxPages the longest document.
const (
	maxPicture = 5 << 20
	maxPages   = 600
)

// What the API counts for a picture, and for a page of a document, roughly.
const (
	tokensOfPicture = 1600
	tokensOfPage    = 2500
)

// source is where the bytes of a picture or document are.
type source struct {
	Type      string `json:"type"`
	MediaType string `json:"media_type"`
	Data      string `json:"data"`
}

// checkMedia refuses a block that is, or whose result holds, a picture or document that is
// not what it says.
func checkMedia(b Block, at string) *Error {
	if b.Type == "image" || b.Type == "document" {
		return checkSource(b, at+".source")
	}
	for i, inner := range b.Content {
		if err := checkMedia(inner, fmt.Sprintf("%s.content.%d", at, i)); err != nil {
			return err
		}
	}
	return nil
}

// checkSource refuses pictures and documents that are not what they say.
func checkSource(b Block, at string) *Error {
	var s source
	if err := json.Unmarshal(b.Source, &s); err != nil {
		return Invalid(at + ": Field required")
	}
	takes := []string{"image/jpeg", "image/png", "image/gif", "image/webp"}
	if b.Type == "document" {
		takes = []string{"application/pdf"}
	}
	if s.Type != "base64" {
		return Invalid(at + ".type: only 'base64' is played here")
	}
	if !slices.Contains(takes, s.MediaType) {
		return Invalid(at + ".media_type: Input should be one of the types of a " + b.Type)
	}
	data, err := base64.StdEncoding.DecodeString(s.Data)
	switch {
	case err != nil || len(data) == 0:
		return Invalid(at + ".data: Invalid base64 data")
	case b.Type == "image" && len(s.Data) > maxPicture:
		return Invalid(at + ".data: image exceeds 5 MB maximum")
	case b.Type == "image" && http.DetectContentType(data) != s.MediaType:
		return Invalid(at + ".data: Image does not match the provided media type " + s.MediaType)
	case b.Type == "document" && !bytes.HasPrefix(data, []byte("%PDF-")):
		return Invalid(at + ".data: The PDF specified was not valid.")
	case b.Type == "document" && pages(data) > maxPages:
		return Invalid(at + ".data: A maximum of 600 PDF pages may be provided.")
	}
	return nil
}

var page = regexp.MustCompile(`/Type\s*/Page\b`)

// pages is how many pages a document shows from outside; one that is packed shows none
// and counts as one.
func pages(pdf []byte) int { return max(1, len(page.FindAll(pdf, -1))) }

// mediaTokens is what a picture or document counts; false: the block is none.
func mediaTokens(raw json.RawMessage) (int64, bool) {
	var b Block
	var s source
	if json.Unmarshal(raw, &b) != nil || b.Type != "image" && b.Type != "document" || json.Unmarshal(b.Source, &s) != nil {
		return 0, false
	}
	if b.Type == "image" {
		return tokensOfPicture, true
	}
	data, err := base64.StdEncoding.DecodeString(s.Data)
	if err != nil {
		return 0, false // it is refused before it counts
	}
	return tokensOfPage * int64(pages(data)), true
}
