/** The demo administrator, shown on the log-in page. Made in development only. */
export const demoLogin = { email: 'ada@shutter.example', password: 'difference engine' }
