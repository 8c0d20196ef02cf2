import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { PostgreSQL, sql } from '@codemirror/lang-sql';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { Compartment, EditorState, Prec, type Extension } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import { PROMETHEUS_BASE } from '$lib/api/prometheus';
import type { TableSchema } from '$lib/api/types';

export type EditorLanguage = 'promql' | 'sql';

export interface EditorSettings {
  language: EditorLanguage;
  text: string;
  label: string;
  placeholder: string;
  tables: TableSchema[];
  changed: (text: string) => void;
  submitted: () => void;
}

export interface Editor {
  setText: (text: string) => void;
  setTables: (tables: TableSchema[]) => void;
  insert: (text: string) => void;
  focus: () => void;
  destroy: () => void;
}

/** An editor in `parent`. This module is large and is loaded only where somebody writes a query. */
export function createEditor(parent: HTMLElement, settings: EditorSettings): Editor {
  const language = new Compartment();
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: settings.text,
      extensions: [
        submitKeys(settings),
        history(),
        closeBrackets(),
        bracketMatching(),
        autocompletion({ icons: false }),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
        language.of(languageSupport(settings.language, settings.tables)),
        syntaxHighlighting(highlighting),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': settings.label }),
        EditorView.updateListener.of((update) => update.docChanged && settings.changed(update.state.doc.toString())),
        placeholder(settings.placeholder),
        look
      ]
    })
  });
  return {
    setText: (text) => {
      if (text !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    setTables: (tables) => view.dispatch({ effects: language.reconfigure(languageSupport(settings.language, tables)) }),
    insert: (text) => {
      view.dispatch(view.state.replaceSelection(text));
      view.focus();
    },
    focus: () => view.focus(),
    destroy: () => view.destroy()
  };
}

/** A PromQL expression is one line as a rule, so Enter runs it; SQL runs with Ctrl or ⌘. */
function submitKeys({ language, submitted }: EditorSettings): Extension {
  const run = () => {
    submitted();
    return true;
  };
  const keys = [{ key: 'Mod-Enter', run }];
  if (language === 'sql') return Prec.highest(keymap.of(keys));
  // Below the completion's own Enter, above the one that begins a line.
  return [Prec.highest(keymap.of(keys)), Prec.high(keymap.of(completionKeymap)), Prec.high(keymap.of([{ key: 'Enter', run }]))];
}

function languageSupport(language: EditorLanguage, tables: TableSchema[]): Extension {
  if (language === 'promql') {
    return new PromQLExtension().setComplete({ remote: { url: PROMETHEUS_BASE, lookbackInterval: 24 * 36e5, httpMethod: 'GET' } }).asExtension();
  }
  const schema = Object.fromEntries(tables.map(({ name, columns }) => [name, columns.map((column) => ({ label: column.name, detail: column.type }))]));
  return sql({ dialect: PostgreSQL, schema, upperCaseKeywords: false });
}

const highlighting = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: 'var(--series-3)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--series-5)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--series-2)' },
  { tag: [tags.function(tags.variableName), tags.standard(tags.name)], color: 'var(--series-6)' },
  { tag: [tags.labelName, tags.propertyName, tags.typeName], color: 'var(--series-1)' },
  { tag: tags.comment, color: 'var(--text-soft)', fontStyle: 'italic' },
  { tag: tags.invalid, color: 'var(--bad)' }
]);

const look = EditorView.theme({
  '&': { color: 'var(--text)', backgroundColor: 'var(--raised)', fontSize: '13px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-content': { fontFamily: 'var(--mono)', caretColor: 'var(--accent)', padding: '6px 2px' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, ::selection': { background: 'var(--accent-soft)' },
  '.cm-placeholder': { color: 'var(--text-soft)' },
  '.cm-matchingBracket': { backgroundColor: 'var(--accent-soft) !important' },
  '.cm-tooltip': { border: '1px solid var(--line-strong)', borderRadius: '6px', backgroundColor: 'var(--raised)', color: 'var(--text)', maxWidth: 'min(40rem, 95vw)' },
  '.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', maxHeight: '16rem' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--accent-text)' },
  '.cm-completionDetail': { color: 'inherit', opacity: '0.7', fontStyle: 'normal' },
  '.cm-completionInfo': { maxWidth: '22rem' },
  '.cm-diagnostic': { borderLeftColor: 'var(--bad)' }
});
