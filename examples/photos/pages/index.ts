// Every page of the site: a function of what it shows. All take the frame first; see the end of model.ts.
export { login, signup } from './account.ts'
export { failure, notFound } from './errors.ts'
export { home, profile, tag } from './feeds.ts'
export { photo } from './photo.ts'
export { search } from './search.ts'
export { stats } from './stats.ts'
export { upload } from './upload.ts'
