// A form that shows the errors of a mutation in its own language: each at its field, the others above all fields.

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text) => String(text).replace(/[&<>"]/g, (character) => ENTITIES[character]);

/** The sentence for an error. A reason that is newer than the form is shown in the words of the gateway. */
export function sentence(sentences, { reason, params, message }, isList) {
  const say = sentences[reason];
  if (!say) return message;
  const { item } = params ?? {};
  const said = say(params ?? {}, isList);
  if (/undefined|NaN|Invalid/.test(said)) throw new Error(`${reason} lacks params: ${JSON.stringify(params)}`);
  return item === undefined ? said : `${item + 1}. Eintrag: ${said}`;
}

/** The HTML of a form. fields: [{name, label, isList}], where a nested value has a path as its name. */
export function render(sentences, fields, values, errors) {
  const about = (name) => errors.filter((error) => fieldOf(fields, error) === name);
  const said = (name, isList) => about(name).map((error) => escaped(sentence(sentences, error, isList)));
  const inputs = fields.map(({ name, label, isList = false }) => {
    const problems = said(name, isList);
    const state = problems.length ? ` aria-invalid="true" aria-describedby="${name}-problem"` : '';
    const problem = problems.length ? `<p id="${name}-problem" role="alert">${problems.join(' ')}</p>` : '';
    return `<label>${escaped(label)} <input name="${name}" value="${escaped(values[name] ?? '')}"${state}></label>${problem}`;
  });
  const others = said(undefined, false).map((text) => `<p role="alert">${text}</p>`);
  return `<form>${[...others, ...inputs].join('')}</form>`;
}

/** The name of the field that an error is about; undefined if the form has no such field. */
function fieldOf(fields, { path }) {
  return fields.find(({ name }) => name === path.slice(1).join('.'))?.name;
}

/** Throws unless there is a sentence for each reason of the schema, and for nothing else. */
export function checkSentences(sentences, reasons) {
  const lacking = reasons.filter((reason) => !sentences[reason]);
  const unknown = Object.keys(sentences).filter((reason) => !reasons.includes(reason));
  if (lacking.length) throw new Error(`no sentence for ${lacking.join(', ')}`);
  if (unknown.length) throw new Error(`the schema has no reason ${unknown.join(', ')}`);
}
