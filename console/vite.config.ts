import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/**
 * The console is files alone: everything hashed below `/assets`, nothing inline (the server's
 * Content-Security-Policy allows neither inline scripts nor styles), nothing from other hosts.
 * `npm run dev` serves it with hot reload in front of a Latchkey named by LATCHKEY_ORIGIN.
 */
export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2023',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: {
    proxy: Object.fromEntries(
      ['/api', '/oauth', '/v1', '/dev', '/.well-known'].map((path) => [
        path,
        { target: process.env.LATCHKEY_ORIGIN ?? 'http://localhost:4000' },
      ]),
    ),
  },
})
