// The words of this service: what travels through its blocks, and what its pages are given.

/** Job: make the sizes of a photo. */
export interface ResizeJob {
  photo: string
}

/** Job: send one mail. */
export interface MailJob {
  to: string
  subject: string
  text: string
}

/** Event: a photo was published. */
export interface Published {
  photo: string
  author: string
}

/** Event: somebody looked at a photo. */
export interface View {
  photo: string
  viewer: string | undefined
  at: string
}

/** What the search index holds of a photo. */
export interface PhotoDocument {
  id: string
  title: string
  caption: string
  tags: string[]
  camera: string
}

/** Who looks at a page; `undefined` stands for a stranger. */
export interface Viewer {
  id: string
  handle: string
  name: string
  avatar: string
}

/** One size of a picture: an address for ever (its name carries the content's hash). */
export interface Size {
  url: string
  width: number
}

/** A photo in a grid. */
export interface PhotoCard {
  id: string
  title: string
  /** Of the original, as it should be shown (EXIF orientation applied). */
  width: number
  height: number
  /** Dominant colour, `#rrggbb`. */
  colour: string
  /** Smallest first; empty while the photo is still being prepared. */
  sizes: Size[]
  author: { handle: string; name: string; avatar: string }
  likes: number
  publishedAt: string
}

/** Everything on a photo's own page. */
export interface PhotoDetails extends PhotoCard {
  caption: string
  tags: string[]
  /** 'preparing' until the worker is done; 'failed' with a reason for its owner. */
  state: 'preparing' | 'ready' | 'failed'
  problem: string | undefined
  exif: { camera?: string; lens?: string; exposure?: string; takenAt?: string }
  /** Photographer and licence, where the photo is somebody else's work. */
  attribution: string | undefined
  liked: boolean
  views: number
  /** Views per hour, oldest first, the last 48 hours. */
  viewsByHour: number[]
  mine: boolean
}

export interface Profile {
  handle: string
  name: string
  avatar: string
  bio: string
  photos: PhotoCard[]
}

export interface Facet {
  value: string
  count: number
  chosen: boolean
}

export interface Found {
  query: string
  total: number
  /** What was looked for instead, when the words were misspelt. */
  corrected: string | undefined
  /** `titleHtml` is safe HTML with hits in <mark>. */
  photos: (PhotoCard & { titleHtml: string })[]
  tags: Facet[]
  cameras: Facet[]
  page: number
  pages: number
}

/** How the site is doing; the views are those of the last 48 hours, per hour, oldest first. */
export interface SiteStats {
  viewsByHour: number[]
  topPhotos: (PhotoCard & { views: number })[]
  photos: number
  members: number
  likes: number
}

/** What every page needs around its content. */
export interface Frame {
  title: string
  viewer: Viewer | undefined
  /** Path of the page, for navigation and the log-in link. */
  path: string
  /** Address of a static file with its version in it. */
  asset(name: string): string
  /** In development: the demo log-in, shown on the log-in page. */
  demoLogin: { email: string; password: string } | undefined
}

/** An error of a form, by field; '' is the form itself. */
export type Problems = Record<string, string>

// Pages (GET; each view lives in pages/ and takes (frame, data)):
//   /                      home(frame, { photos, nextPage })            newest first
//   /tag/:tag              tag(frame, { tag, photos, nextPage })
//   /photo/:id             photo(frame, details)
//   /u/:handle             profile(frame, profile)
//   /search?q=&tag=&camera=&page=   search(frame, found)
//   /upload                upload(frame)                                for members
//   /login, /signup        login(frame, { email, problems }), signup(frame, { email, name, handle, problems })
//   /stats                 stats(frame, stats)                          SiteStats
//   anything else          notFound(frame); errors: failure(frame, message)
// Forms (POST, answered by a redirect or the form again): /login, /signup (without `action`, so that ?next= stays), /logout
// API (JSON; an error is { error: { code, message } }):
//   POST   /api/uploads            { name, type, bytes }            → { id, url, headers }  then PUT the file to url with headers
//   POST   /api/photos             { upload, title, caption?, tags?, attribution? } → { id, url }
//   GET    /api/photos/:id         → { id, state, problem?, sizes, url }
//   DELETE /api/photos/:id
//   PUT    /api/photos/:id/like    → { likes, liked: true }      DELETE → { likes, liked: false }
//   GET    /api/photos?page=       → { photos: PhotoCard[], nextPage? }
//   GET    /api/complete?q=        → { titles: string[] }
//   GET    /api/search?q=&tag=&camera=&page=  → Found
//   POST   /api/sessions           { email, password }           → 204 with the session cookie (importer)
//   POST   /api/admin/replay-views → { recounted }                for the demo administrator
