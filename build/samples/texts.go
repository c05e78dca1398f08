package samples

const officialNotice = `OFFICIAL GAZETTE OF THE REPUBLIC OF EXAMPLE
No. 2026/117 — Northhaven, 3 July 2026

NOTICE OF THE MINISTRY OF TRANSPORT
on the closing of the Old Harbour Bridge

1.  The Old Harbour Bridge is closed to all traffic from Monday, 7 September 2026,
    06:00, until Friday, 18 December 2026, 20:00. Its bearings are replaced.

2.  Road traffic is led over the Eastmere Ring. Pedestrians and cyclists use the
    temporary crossing at Fishmarket Quay; it is open day and night.

3.  Buses of lines 4, 11 and 26 turn at Customs House. Tickets to the city side
    are valid on the ferry between Customs House and Ropewalk.

4.  Businesses on Chandler’s Row and Harbour Street whose takings fall by more
    than a third may apply for relief of up to 1,500 a month. Applications are
    accepted by the Ministry until 31 January 2027.

5.  Whoever enters the closed bridge without a permit commits an offence under
    section 18 of the Roads Act.

For the Minister
K. Adebayo-Lenz, Director of Roads

—
Specimen. The Republic of Example and all persons, bodies and places named in
this document are fictional.
`

const transcript = `THE STATE UNIVERSITY OF NORTHHAVEN
Office of the Registrar

TRANSCRIPT OF RECORDS (FINAL)

Student         Miriam Adaeze Lindqvist
Programme       Master of Science in Civil and Structural Engineering
Diploma No.     SUN-2026-004817
Issued          26 June 2026

Code      Course                                   Credits   Grade
------------------------------------------------------------------
CE 501    Structural Dynamics                            6    4.00
CE 504    Reinforced and Prestressed Concrete            6    3.50
CE 511    Soil Mechanics II                              6    3.25
CE 517    Coastal and Harbour Structures                 8    4.00
CE 522    Bridge Design Studio                          10    3.75
CE 530    Maintenance of Public Works                    4    3.00
CE 541    Hydraulics of Estuaries                        6    3.50
HU 502    Public Procurement Law                         4    2.90
CE 590    Master’s thesis: “Bearings of the Old
          Harbour Bridge under thermal load”            30    3.70
------------------------------------------------------------------
          Total                                         80
          Final grade, weighted by credits                    3.62

Grades run from 5.00 (highest) to 1.00; 2.00 is a pass.

Ingunn Teale, Registrar

—
Specimen. The Republic of Example and all persons, bodies and places named in
this document are fictional.
`

const arabicDiploma = `جمهورية المثال
وزارة التعليم العالي والبحث العلمي
جامعة الميناء الشمالي الحكومية

شهادة تخرج

رقم الشهادة: 2025/3391

تشهد جامعة الميناء الشمالي الحكومية بأن الطالبة ليلى يوسف البنّاء، المولودة في 14 مارس 2002،
قد أتمت بنجاح جميع متطلبات التخرج في كلية الطب البيطري،
وقرر مجلس الجامعة منحها درجة البكالوريوس في الطب البيطري
بتقدير عام: جيد جداً.

حُررت هذه الشهادة في مدينة الميناء الشمالي بتاريخ 30 يونيو 2025.

عميد الكلية: د. سامر الخطيب
رئيسة الجامعة: أ. د. هدى منصور

—
نموذج للعرض فقط. جمهورية المثال وجميع الأشخاص والجهات والأماكن المذكورة في هذه الوثيقة من نسج الخيال.
`

const archiveExtract = `РЕСПУБЛИКА ПРИМЕР
Министерство внутренних дел
Государственный архив в городе Нордхейвен

АРХИВНАЯ СПРАВКА

12 февраля 2026 года                                              № 04-17/286

Выдана Анне Павловне Северовой на основании её запроса от 19 января 2026 года.

В документах архивного фонда № 318 «Нордхейвенский судоремонтный завод»,
в личных карточках и приказах по личному составу за 1978–1994 годы, значится:

    Северов Павел Андреевич

    принят на работу слесарем-судоремонтником 3 разряда
        с 4 сентября 1978 года (приказ № 211-к от 1 сентября 1978 года);
    переведён мастером механического цеха
        с 15 мая 1986 года (приказ № 98-к от 12 мая 1986 года);
    уволен в связи с выходом на пенсию
        31 октября 1994 года (приказ № 240-к от 28 октября 1994 года).

Основание: фонд 318, опись 2-л, дело 57, листы 14, 15 и 83.

Справка выдана для предъявления в орган пенсионного обеспечения.

Директор архива                                              И. С. Вальтер
Исполнитель                                                  Т. М. Ольховская

—
Образец. Республика Пример и все упомянутые в документе лица, учреждения
и места вымышлены.
`

const enforcementOrder = `REPUBLIC OF EXAMPLE
DISTRICT COURT OF EASTMERE — Enforcement Division

Case No. 7 E 2210/2026
Eastmere, 18 May 2026

ORDER OF ENFORCEMENT

In the matter of

    Tidewater Timber Ltd, Northhaven            creditor
    against
    Bellweather Boatyard Ltd, Eastmere          debtor

the court orders, on the judgment of 9 March 2026 (7 C 1874/2025):

I.    The claims of the debtor against Harbour Savings Bank are attached up to
      the amount of 38,240.00 with interest of 4 in the hundred from 1 April 2026.
II.   The bank is forbidden to pay the debtor, the debtor to dispose of the claims.
III.  The debtor bears the costs of this order, 312.00.

An objection may be lodged with this court within fourteen days of service. The
court may suspend the order until it has decided on the objection.

Mathilde Roux-Anders, Judge

—
Specimen. The Republic of Example and all persons, bodies and places named in
this document are fictional.
`

// demandLetter is what a swindler sends: no authority has ever recorded it.
const demandLetter = `REPUBLIC OF EXAMPLE
Federal Tax Collection Centre

FINAL NOTICE — ACT TODAY                                   Ref. TX-99-417730

Dear taxpayer,

our records show that you owe 2,890.00 in unpaid taxes. To prevent the seizure
of your account, pay within 24 hours by gift card. Do not call your tax office;
it cannot help you in this matter.

Inspector General R. Smith

—
Specimen of a forged letter. The Republic of Example and all persons, bodies and
places named in this document are fictional.
`
