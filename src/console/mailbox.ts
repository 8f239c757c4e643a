export interface MailboxOptions {
  /** Mails are kept here. */
  folder: string
  /** First port to try for the page. */
  port: number
}

export declare function openMailbox(
  options: MailboxOptions,
): Promise<AsyncDisposable & { readonly url: string; readonly smtpUrl: string }>
