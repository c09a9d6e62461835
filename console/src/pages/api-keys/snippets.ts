type Call = { apiBase: string; model: string; stream: boolean; key?: string }
type Variant = { id: string; title: string; code: string }

/**
 * The first call as three programs that run as they are once the key stands in LATCHKEY_API_KEY;
 * with `key` (only where the secret was just shown) it is filled in.
 */
export function snippets(call: Call): Variant[] {
  return [
    { id: 'curl', title: 'curl', code: curl(call) },
    { id: 'python', title: 'Python', code: python(call) },
    { id: 'node', title: 'Node', code: node(call) },
  ]
}

function curl({ apiBase, model, stream, key }: Call): string {
  const token = key ?? '$LATCHKEY_API_KEY'
  const body = stream
    ? `{"model": "${model}", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}`
    : `{"model": "${model}", "messages": [{"role": "user", "content": "Hello"}]}`
  return `curl ${stream ? '-N ' : ''}${apiBase}/chat/completions \\
  -H "Authorization: Bearer ${token}" \\
  -H "Content-Type: application/json" \\
  -d '${body}'`
}

function python({ apiBase, model, stream, key }: Call): string {
  const client = `from openai import OpenAI

client = OpenAI(
    base_url="${apiBase}",
    api_key=${key ? `"${key}"` : 'os.environ["LATCHKEY_API_KEY"]'},
)`
  const head = key ? client : `import os\n${client}`
  const message = `messages=[{"role": "user", "content": "Hello"}]`
  return stream
    ? `${head}
stream = client.chat.completions.create(
    model="${model}", stream=True,
    ${message},
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="")`
    : `${head}
answer = client.chat.completions.create(
    model="${model}",
    ${message},
)
print(answer.choices[0].message.content)`
}

function node({ apiBase, model, stream, key }: Call): string {
  const head = `import OpenAI from 'openai'

const client = new OpenAI({
  baseURL: '${apiBase}',
  apiKey: ${key ? `'${key}'` : 'process.env.LATCHKEY_API_KEY'},
})`
  const message = `messages: [{ role: 'user', content: 'Hello' }]`
  return stream
    ? `${head}
const stream = await client.chat.completions.create({
  model: '${model}',
  stream: true,
  ${message},
})
for await (const chunk of stream)
  process.stdout.write(chunk.choices[0]?.delta?.content ?? '')`
    : `${head}
const answer = await client.chat.completions.create({
  model: '${model}',
  ${message},
})
console.log(answer.choices[0].message.content)`
}
