// Package preview shows running apps to those who may see them, each on a site of its
// own, where nothing of ours is within reach.
//
// Terms. A label names an app and is the first part of its host name; together with
// the preview host it makes the app's origin. A viewer is whoever the product let in,
// as a text only the product understands. A link lets one viewer into one app for
// two minutes; following it leaves a pass, a cookie on the app's origin, which
// lasts while it is used. An app is shown in a frame on one of our pages or in a tab.
//
// What an app's code, in the cage or in the browser, can and cannot do:
//
//   - It never gets a cookie, access key or identity of ours: on this origin we have
//     one cookie, the pass, and it is taken out of every request before the app sees
//     it. A pass is sealed, bound to its label, and useless elsewhere.
//   - All apps share a registrable domain with each other (and with nobody else), so
//     that one could set cookies for another, or send requests in a viewer's name.
//     Cookies with a Domain lose it; a request that a page of another origin makes is
//     refused unless it only opens a page.
//   - It cannot be framed but by us, cannot leave a service worker, and cannot clear,
//     pin or report anything about its origin: those headers do not leave.
//   - In a frame browsers keep only partitioned cookies. An app's own are made such on
//     the way out, so that signing in to it works there too.
//   - What it sends is bounded in time and size; what it says is not believed.
//
// Whether a viewer may see an app is asked of the product for each request, and its
// answer kept for five seconds.
//
//nolint:godoclint // each generated file has a version line, which counts as another
package preview
