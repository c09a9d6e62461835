import { isSecret } from './parameters.ts'
import { type Field, fullUrl, type WireRequest } from './wire.ts'

/**
 * The request as a command for a POSIX shell. Where secrets are hidden on the page they are variables
 * here (`$CLIENT_SECRET`), so that nothing lands in a clipboard that could not be seen.
 */
export function curl(request: WireRequest, options: { reveal: boolean }): string {
  const { reveal } = options
  const { form, json } = request
  const lines = [
    `curl ${request.navigates ? '-i ' : ''}${quoted(fullUrl(request))}`,
    // curl sends a form's type by itself.
    ...request.headers
      .filter(({ name }) => !(form && name === 'content-type'))
      .map((field) => header(field, reveal)),
    ...(form ?? []).map(({ name, value }) =>
      !reveal && isSecret(name)
        ? `--data-urlencode ${quoted(`${name}=`)}${variable(name)}`
        : `--data-urlencode ${quoted(`${name}=${value}`)}`,
    ),
    ...(json === null ? [] : [`-d ${quoted(JSON.stringify(json))}`]),
  ]
  return lines.join(' \\\n  ')
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
const variable = (name: string) => `"$${name.toUpperCase()}"`

function header({ name, value }: Field, reveal: boolean): string {
  const basic = /^Basic (.+)$/.exec(value)?.[1]
  if (basic !== undefined) {
    // Ids and secrets of ours hold nothing that RFC 6749 section 2.3.1 would encode.
    const [id = '', secret = ''] = atob(basic).split(':')
    return reveal ? `-u ${quoted(`${id}:${secret}`)}` : `-u ${quoted(`${id}:`)}"$CLIENT_SECRET"`
  }
  return reveal || !isSecret(name)
    ? `-H ${quoted(`${name}: ${value}`)}`
    : `-H "${name}: ${value.split(' ')[0]} $ACCESS_TOKEN"`
}
