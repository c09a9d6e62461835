/**
 * A person at node-oidc-provider's own pages: follows redirects, signs in as alice and allows, until
 * the page the app shows. `stopAt`: an address that is not asked for, such as a callback in a test.
 */
export async function person(
  link: string,
  stopAt?: string,
): Promise<{ status: number; text: string; url: string }> {
  const cookies = new Map<string, string>()
  let url = link
  let form: Record<string, string> | null = null
  for (let steps = 0; steps < 20; steps++) {
    if (stopAt !== undefined && url.startsWith(stopAt)) return { status: 0, text: '', url }
    const response: Response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
    })
    for (const set of response.headers.getSetCookie()) {
      const [pair = ''] = set.split(';')
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
    }
    form = null
    const location = response.headers.get('location')
    const text = await response.text()
    if (location) url = new URL(location, url).href
    else if (text.includes('name="prompt"')) {
      const prompt = /name="prompt" value="(\w+)"/.exec(text)?.[1] ?? ''
      url = new URL(/action="([^"]+)"/.exec(text)?.[1] ?? '', url).href
      form = prompt === 'login' ? { prompt, login: 'alice', password: 'x' } : { prompt }
    } else return { status: response.status, text, url }
  }
  throw new Error('went round in circles')
}
