import { CSPProvider } from '@base-ui/react/csp-provider'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { consoleQuery, queryClient } from './api/queries.ts'
import './design/tokens.css'
import './design/base.css'
import { applyTheme, readTheme } from './design/theme.ts'
import { ToastProvider } from './design/toast.tsx'
import { currentLocale, followLocale, hasChosenLocale } from './messages/locale.ts'
import { LanguageProvider, loadMessages } from './messages/messages.tsx'
import { router } from './router.tsx'

applyTheme(readTheme())

// Who is signed in decides the language where the person has not chosen one in this browser.
const known = await queryClient.ensureQueryData(consoleQuery).catch(() => null)
if (known?.account && !hasChosenLocale()) followLocale(known.account.locale)
const messages = await loadMessages(currentLocale())

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queryClient}>
        <LanguageProvider initial={messages}>
          <ToastProvider>
            <RouterProvider router={router} />
          </ToastProvider>
        </LanguageProvider>
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
)
