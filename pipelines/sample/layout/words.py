"""What a site says around its articles, in the languages of the sample."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    locale: str
    menu: tuple[str, ...]
    home: str
    search: str
    subscribe: str
    login: str
    share: str
    related: str
    popular: str
    comments: str
    reply: str
    by: str
    more: str
    ad: str
    offers: tuple[str, ...]
    tags: str
    edit: str
    cookies: str
    accept: str
    reject: str
    privacy: str
    terms: str
    rights: str
    visitors: str
    caption: str
    months: tuple[str, ...]
    names: tuple[str, ...]
    remarks: tuple[str, ...]


ENGLISH = Words(
    locale="en-GB",
    menu=("World", "Culture", "Science", "Travel", "Food", "Sport", "Opinion"),
    home="Home",
    search="Search",
    subscribe="Subscribe for 1.99 a month",
    login="Log in",
    share="Share this story",
    related="You may also like",
    popular="Most read",
    comments="Comments",
    reply="Reply",
    by="By",
    more="Read more",
    ad="Advertisement",
    offers=(
        "Garden chairs, 30% off this week",
        "The raincoat that folds into a pocket",
        "Tea by post. First box free!",
    ),
    tags="Tags",
    edit="edit",
    cookies="We use cookies to improve your experience. By continuing you accept our use of cookies.",
    accept="Accept all",
    reject="Only necessary",
    privacy="Privacy policy",
    terms="Terms of use",
    rights="All rights reserved",
    visitors="You are visitor number",
    caption="Archive picture",
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    names=("Ada Marsh", "Tom Willow", "Priya Fields", "Noor Hale", "Wren Castle", "Otis Brook", "June Park"),
    remarks=(
        "Lovely piece, my grandmother would have agreed with every word.",
        "Not sure about the second paragraph. Do you have a source?",
        "+1",
        "Saved for the weekend, thanks.",
        "I tried this last year and it went wrong at once, but I learned a lot.",
        "First!",
        "Could the editors please fix the picture on phones?",
        "lol same here",
    ),
)

PORTUGUESE = Words(
    locale="pt-BR",
    menu=("Mundo", "Cultura", "Ciência", "Viagem", "Cozinha", "Esportes", "Opinião"),
    home="Início",
    search="Buscar",
    subscribe="Assine por R$ 4,90 ao mês",
    login="Entrar",
    share="Compartilhe esta matéria",
    related="Leia também",
    popular="Mais lidas",
    comments="Comentários",
    reply="Responder",
    by="Por",
    more="Leia mais",
    ad="Publicidade",
    offers=(
        "Cadeiras de jardim com 30% de desconto",
        "A capa de chuva que cabe no bolso",
        "Café em casa: primeira caixa grátis!",
    ),
    tags="Assuntos",
    edit="editar",
    cookies="Usamos cookies para melhorar sua experiência. Ao continuar, você aceita o uso de cookies.",
    accept="Aceitar todos",
    reject="Só os necessários",
    privacy="Política de privacidade",
    terms="Termos de uso",
    rights="Todos os direitos reservados",
    visitors="Você é o visitante número",
    caption="Foto de arquivo",
    months=("jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"),
    names=("Rita Campos", "João Ribeira", "Iara Prado", "Davi Serra", "Lia Moinho", "Caio Várzea", "Nair Fontes"),
    remarks=(
        "Que texto bonito, lembrei da minha avó o tempo todo.",
        "Fiquei com dúvida no segundo parágrafo. Tem alguma fonte?",
        "+1",
        "Guardei para ler no domingo, obrigado.",
        "Tentei fazer em casa e deu errado, mas aprendi bastante.",
        "Primeiro!",
        "Dá para arrumar a foto no celular?",
        "kkkk aqui foi igual",
    ),
)

SPANISH = Words(
    locale="es-ES",
    menu=("Mundo", "Cultura", "Ciencia", "Viajes", "Cocina", "Deportes"),
    home="Portada",
    search="Buscar",
    subscribe="Suscríbete por 1,99 al mes",
    login="Iniciar sesión",
    share="Comparte esta noticia",
    related="También te puede interesar",
    popular="Lo más leído",
    comments="Comentarios",
    reply="Responder",
    by="Por",
    more="Leer más",
    ad="Publicidad",
    offers=("Sillas de jardín con un 30% de descuento", "El chubasquero que cabe en el bolsillo"),
    tags="Etiquetas",
    edit="editar",
    cookies="Usamos cookies para mejorar tu experiencia. Si continúas, aceptas su uso.",
    accept="Aceptar todo",
    reject="Solo las necesarias",
    privacy="Política de privacidad",
    terms="Condiciones de uso",
    rights="Todos los derechos reservados",
    visitors="Eres el visitante número",
    caption="Foto de archivo",
    months=("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"),
    names=("Inés Ribera", "Pablo Encina", "Lola Campos"),
    remarks=("Muy bonito, gracias.", "¿Alguien tiene la fuente?", "Yo también lo probé y salió fatal."),
)

FRENCH = Words(
    locale="fr-FR",
    menu=("Monde", "Culture", "Sciences", "Voyages", "Cuisine", "Sports"),
    home="Accueil",
    search="Rechercher",
    subscribe="Abonnez-vous pour 1,99 par mois",
    login="Se connecter",
    share="Partager cet article",
    related="À lire aussi",
    popular="Les plus lus",
    comments="Commentaires",
    reply="Répondre",
    by="Par",
    more="Lire la suite",
    ad="Publicité",
    offers=("Chaises de jardin à -30 %", "L'imperméable qui tient dans la poche"),
    tags="Mots-clés",
    edit="modifier",
    cookies="Nous utilisons des cookies pour améliorer votre visite. En continuant, vous les acceptez.",
    accept="Tout accepter",
    reject="Refuser",
    privacy="Confidentialité",
    terms="Conditions d'utilisation",
    rights="Tous droits réservés",
    visitors="Vous êtes le visiteur numéro",
    caption="Photo d'archives",
    months=("janv", "févr", "mars", "avr", "mai", "juin", "juil", "août", "sept", "oct", "nov", "déc"),
    names=("Lise Duval", "Marc Prairie", "Anaïs Rivage"),
    remarks=("Très beau texte, merci.", "Vous avez une source ?", "J'ai essayé, ce fut un désastre."),
)

GERMAN = Words(
    locale="de-DE",
    menu=("Welt", "Kultur", "Wissen", "Reise", "Küche", "Sport"),
    home="Startseite",
    search="Suchen",
    subscribe="Abonnieren ab 1,99 im Monat",
    login="Anmelden",
    share="Artikel teilen",
    related="Das könnte Sie auch interessieren",
    popular="Meistgelesen",
    comments="Kommentare",
    reply="Antworten",
    by="Von",
    more="Weiterlesen",
    ad="Anzeige",
    offers=("Gartenstühle, 30 % billiger", "Die Regenjacke für die Hosentasche"),
    tags="Schlagwörter",
    edit="Bearbeiten",
    cookies="Wir verwenden Cookies, um Ihren Besuch zu verbessern. Mit dem Weiterlesen stimmen Sie zu.",
    accept="Alle annehmen",
    reject="Nur notwendige",
    privacy="Datenschutz",
    terms="Nutzungsbedingungen",
    rights="Alle Rechte vorbehalten",
    visitors="Sie sind Besucher Nummer",
    caption="Archivbild",
    months=("Jan", "Feb", "März", "Apr", "Mai", "Juni", "Juli", "Aug", "Sep", "Okt", "Nov", "Dez"),
    names=("Grete Aue", "Jonas Wiese", "Ute Bruck"),
    remarks=("Schöner Text, danke.", "Gibt es dazu eine Quelle?", "Bei mir ging das gründlich schief."),
)

WORDS = {"en": ENGLISH, "pt": PORTUGUESE, "es": SPANISH, "fr": FRENCH, "de": GERMAN}
