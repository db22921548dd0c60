// The sentences of a German form, one for each reason of an error, made from its params.
// isList: whether the field takes a list. An error about an item of a list has its index as `item`.
const date = (time) => new Date(time).toLocaleDateString('de-DE', { timeZone: 'UTC' });
const value = (bound) => (typeof bound === 'string' ? date(bound) : bound.toLocaleString('de-DE'));

export const SENTENCES = {
  REQUIRED: ({ field }) => (field ? `Vorher fehlt noch: ${field}.` : 'Bitte ausfüllen.'),
  TOO_SHORT: ({ min }) => `Bitte mindestens ${min} Zeichen eingeben.`,
  TOO_LONG: ({ max, item }, isList) =>
    isList && item === undefined ? `Bitte höchstens ${max} Einträge angeben.` : `Bitte höchstens ${max} Zeichen eingeben.`,
  TOO_SMALL: ({ min }) => `Bitte mindestens ${value(min)} angeben.`,
  TOO_LARGE: ({ max }) => `Bitte höchstens ${value(max)} angeben.`,
  NOT_AN_EMAIL: () => 'Das ist keine E-Mail-Adresse.',
  NOT_A_URL: () => 'Bitte eine Adresse mit https:// oder http:// angeben.',
  NOT_HTTPS: () => 'Bitte eine Adresse mit https:// angeben, nicht mit http://.',
  NOT_A_SLUG: () => 'Bitte nur Kleinbuchstaben, Ziffern und einzelne Bindestriche verwenden.',
  NOT_A_TERM: () => 'Bitte Jahr und Nummer angeben, etwa 2014-3.',
  UNKNOWN_CURRENCY: () => 'Diese Währung gibt es nicht.',
  UNKNOWN_COUNTRY: () => 'Dieses Land gibt es nicht.',
  UNKNOWN_LANGUAGE: () => 'Diese Sprache gibt es nicht.',
  IN_THE_PAST: ({ startsAt }) => `Dieser Durchgang hat am ${date(startsAt)} begonnen.`,
  ENDS_BEFORE_START: ({ startsAt }) => `Das Ende muss nach dem ${date(startsAt)} liegen.`,
  WEAK_PASSWORD: ({ min }) => `Bitte mindestens ${min} verschiedene Zeichen verwenden.`,
  WRONG_PASSWORD: () => 'Das ist nicht das bisherige Passwort.',
};
